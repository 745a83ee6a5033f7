import { RedisConfigurationError } from './errors.js';
import { ClusterLink } from './cluster-link.js';
import { RedisRoles, type RedisTopology } from './roles.js';
import { ServerLink } from './server-link.js';

const nodes = [{ host: 'a', port: 7000 }];

describe('the places of roles', () => {
  const links = (topology: RedisTopology): string[] =>
    new RedisRoles(topology)
      .links()
      .map((link) => `${link instanceof ClusterLink ? 'cluster' : 'server'} ${link.name}`);

  test('a database for each on one server, and behind Sentinels', () => {
    expect(links({ url: 'redis://a' })).toHaveLength(7);
    expect(links({ sentinels: nodes, primaryName: 'main' })).toHaveLength(7);
    expect(links({ sentinels: nodes, primaryName: 'main', layout: 'single' })).toHaveLength(1);
  });

  test('a cluster has them all, but for those with a server of their own', () => {
    expect(links({ cluster: nodes, urls: { sessions: 'redis://b', state: 'redis://b' } })).toEqual([
      'server sessions+state',
      'cluster llm+ratelimit+analytics+temp+cache',
    ]);
  });

  test('a cluster has database 0 only', () => {
    expect(() => new RedisRoles({ cluster: nodes, databases: { llm: 0 } })).not.toThrow();
    expect(() => new RedisRoles({ cluster: nodes, databases: { llm: 1 } })).toThrow(RedisConfigurationError);
    const elsewhere = new RedisRoles({ cluster: nodes, databases: { llm: 3 }, urls: { llm: 'redis://b/2' } });
    expect((elsewhere.link('llm') as ServerLink).database).toBe(3);
  });
});
