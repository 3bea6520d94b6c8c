import { parentPort } from 'node:worker_threads';
import { type Measured, sumSizes } from './sum-sizes.ts';

parentPort?.on('message', (measured: Measured) => parentPort?.postMessage(sumSizes(measured), [])); // transfers nothing
