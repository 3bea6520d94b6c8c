import { invalid, notFound } from '../refusal.ts';
import { page, repositoryRoute, type Route } from '../router.ts';
import { viewReaction } from '../views.ts';
import { now } from '../world.ts';
import { commentOf } from './comments.ts';

const NEEDS = { permission: 'issues|pull_requests', people: 'read' } as const;
const CONTENTS = new Set(['+1', '-1', 'laugh', 'confused', 'heart', 'hooray', 'rocket', 'eyes']);

/** Reactions to comments. */
export const REACTION_ROUTES: readonly Route[] = [
  repositoryRoute('GET /issues/comments/:id/reactions', NEEDS, (call) => {
    const { id } = commentOf(call);
    const reactions = call.repository.reactions
      .filter((reaction) => reaction.comment === id)
      .filter(({ content }) => content === (call.query['content'] ?? content));
    return page(call, reactions, (reaction) => viewReaction(call.world, reaction));
  }),
  repositoryRoute('POST /issues/comments/:id/reactions', NEEDS, (call) => {
    const { id } = commentOf(call);
    const { world, repository, actor } = call;
    const content = String(call.body['content']);
    if (!CONTENTS.has(content)) throw invalid({ resource: 'Reaction', code: 'invalid', field: 'content' });
    const there = repository.reactions.find(
      (each) => each.comment === id && each.user === actor.user && each.content === content,
    );
    if (there !== undefined) return { status: 200, body: viewReaction(world, there) };
    const reaction = { id: world.nextId(), comment: id, user: actor.user, content, createdAt: now() };
    repository.reactions.push(reaction);
    return { status: 201, body: viewReaction(world, reaction) };
  }),
  repositoryRoute('DELETE /issues/comments/:id/reactions/:reaction', NEEDS, (call) => {
    const { reactions } = call.repository;
    const index = reactions.findIndex(
      (each) => each.id === Number(call.params['reaction']) && each.comment === commentOf(call).id,
    );
    if (index === -1) throw notFound();
    reactions.splice(index, 1);
    return { status: 204 };
  }),
];
