/** What the stand-in for GitHub promises the tests that use it; the cases are beside it, a file for each part. */
import '../../../stand-in/cases/credentials.ts';
import '../../../stand-in/cases/sign-in.ts';
import '../../../stand-in/cases/webhooks.ts';
import '../../../stand-in/cases/git.ts';
import '../../../stand-in/cases/pulls.ts';
import '../../../stand-in/cases/merging.ts';
import '../../../stand-in/cases/branches.ts';
import '../../../stand-in/cases/permissions.ts';
import '../../../stand-in/cases/stacks.ts';
import '../../../stand-in/cases/rules.ts';
import '../../../stand-in/cases/conversations.ts';
import '../../../stand-in/cases/checks.ts';
import '../../../stand-in/cases/reviews.ts';
import '../../../stand-in/cases/itself.ts';
