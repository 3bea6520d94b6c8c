import { LRUCache } from 'lru-cache';
import { DiscoveryCache } from '../discovery/discovery-cache.ts';
import type { ObjectReader } from '../git/objects/object-reader.ts';
import { CommitTree } from '../git/objects/spec-tree.ts';
import { type Project, readProject } from '../plan/project.ts';

/** The last reading of a repository. */
interface CachedProject {
  readonly cache: DiscoveryCache;
  readonly commit: string;
  readonly project: Project;
}

/** Reads the projects of commits. Reads again only what changed since the last reading. */
export class ProjectCache {
  readonly #kept = new LRUCache<string, CachedProject>({
    max: 20,
    maxSize: 256 * 1024 * 1024, // bytes; the largest tree takes two thirds
    sizeCalculation: ({ cache }) => cache.bytes + 1,
  });

  /** `repository` is a name for the cache; `directory` is the project's directory in the commit. */
  async read(
    reader: ObjectReader,
    {
      repository,
      commit,
      directory,
    }: { readonly repository: string; readonly commit: string; readonly directory: string },
  ): Promise<Project> {
    const name = `${repository}\n${directory}`;
    const before = this.#kept.get(name);
    if (before?.commit === commit) return before.project;
    const cache = before?.cache ?? new DiscoveryCache();
    const project = await readProject(await CommitTree.open(reader, commit, directory), cache);
    this.#kept.set(name, { cache, commit, project });
    return project;
  }
}
