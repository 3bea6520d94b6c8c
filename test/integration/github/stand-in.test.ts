/** What the stand-in for GitHub promises the tests that use it; the cases are beside it, a file for each part. */
import '../../github/cases/credentials.ts';
import '../../github/cases/webhooks.ts';
import '../../github/cases/git.ts';
import '../../github/cases/pulls.ts';
import '../../github/cases/conversations.ts';
import '../../github/cases/checks.ts';
import '../../github/cases/itself.ts';
