import fc from 'fast-check';

// Every property of one run uses the seed that the run prints, so that a failure can be seen again.
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env['CHOO_TEST_SEED']) });
