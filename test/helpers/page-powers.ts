/**
 * Everything in HTML that could act: elements with script or style of their own, and addresses that begin neither with `base` nor
 * with `#`.
 */
export function powersOf(page: string, base: string): readonly string[] {
  const tags =
    page
      .match(/<[a-z](?:"[^"]*"|[^>"])*>/gi)
      ?.map((tag) => tag.replaceAll(/\s(?:title|aria-label)="[^"<>]*"/g, '')) ?? [];
  return tags.filter(
    (tag) =>
      /\s(?:on\w+|style|srcdoc)\s*=/i.test(tag) ||
      (/^<script/i.test(tag) && !tag.includes(` src="${base}`)) ||
      /^<(?:style|iframe|object|embed|base|img)/i.test(tag) ||
      [...tag.matchAll(/\s(?:href|src|action)="([^"]*)/gi)].some(
        ([, address = '']) => !address.startsWith(base) && !address.startsWith('#'),
      ),
  );
}
