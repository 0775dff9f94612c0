package redisstore_test

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
)

// commands are all that a store uses, those inside scripts too, in the words of ACLs and of INFO. Every one is of Redis 6.2, and of a cluster that has them
// in three other lists.
func commands() []string {
	return []string{
		"client|tracking", // of Track
		"eval", "evalsha", "exists", "get", "incrby", "mget", "persist", "pexpire", "ping", "pttl", "scan", "set", "time", "unlink",
	}
}

// clusterCommands are those on a cluster, where a batch is a command for every key.
func clusterCommands() []string {
	list := slices.DeleteFunc(commands(), func(name string) bool { return name == "mget" })
	list = append(list, "cluster|nodes", "cluster|slots")
	slices.Sort(list)
	return list
}

func TestAUserMayHaveTheseCommandsAndNoOthers(t *testing.T) {
	t.Run("of a server", func(t *testing.T) {
		t.Parallel()
		server := redistest.Start(t, userOf(commands())...)
		user := strings.Replace(server.URL(), "://", "://app:secret@", 1)
		mayHave(t, user, redistest.Client(t, server.URL()), commands(), server)
	})
	t.Run("of a cluster", func(t *testing.T) {
		t.Parallel()
		cluster := redistest.StartCluster(t, 3, userOf(clusterCommands())...)
		user := strings.Replace(cluster.URL(), "://", "://app:secret@", 1)
		mayHave(t, user, clusterClient(t, cluster), clusterCommands(), cluster.Nodes()...)
	})
}

// userOf are the arguments for a server with a user "app", who may use the commands, on the keys of tests, and no channel.
func userOf(commands []string) []string {
	args := []string{"--user", "app", "on", ">secret", "~test.*", "resetchannels", "-@all"}
	for _, name := range commands {
		args = append(args, "+"+name)
	}
	return args
}

// mayHave runs the kit as the user of the URL, and checks that the servers were asked for every one of the commands, and for nothing else.
func mayHave(t *testing.T, url string, other redis.Cmdable, commands []string, servers ...*redistest.Server) {
	t.Helper()
	for _, server := range servers {
		if err := redistest.Client(t, server.URL()).ConfigResetStat(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	cachetest.Run(t, onServer(t, url, other, 30*time.Second))
	s := open(t, url, &redisstore.Options{KeyPrefix: "test.commands:", Timeout: 10 * time.Second})
	everything(t, over(t, s))
	track(t, s)
	used := map[string]bool{}
	for _, server := range servers {
		for name, rejected := range asked(t, redistest.Client(t, server.URL())) {
			used[name] = true
			if rejected {
				t.Errorf("%s was asked for, and not allowed", name)
			}
		}
	}
	// Of a connection, which every user may have; and of this test, the last for what it plants and the one that takes it away again.
	for _, name := range []string{"hello", "auth", "select", "asking", "config|resetstat", "info", "del"} {
		delete(used, name)
	}
	// Of the test's own client of a cluster.
	if len(servers) > 1 {
		delete(used, "command")
	}
	if got := slices.Sorted(maps.Keys(used)); !slices.Equal(got, commands) {
		t.Errorf("the commands used are\n\t%q; want\n\t%q", got, commands)
	}
}

// everything is what the kit may have left out.
func everything(t *testing.T, c *cache.Cache) {
	t.Helper()
	for _, m := range methods() {
		if _, err := m.run(t.Context(), c); err != nil && !errors.Is(err, errWrong) {
			t.Errorf("%s: %v", m.name, err)
		}
	}
	for _, ttl := range []time.Duration{time.Hour, cache.Forever, cache.KeepTTL} {
		err := errors.Join(c.Set(t.Context(), "key", []byte("1"), ttl), c.SetMany(t.Context(), map[string][]byte{"many": nil}, ttl))
		_, added := c.Add(t.Context(), "key", nil, ttl)
		_, incremented := c.Increment(t.Context(), "number", 1, ttl)
		_, swapped := c.CompareAndSwap(t.Context(), "key", []byte("1"), []byte("2"), ttl)
		if err := errors.Join(err, added, incremented, swapped); err != nil && !errors.Is(err, cache.ErrInvalidTTL) {
			t.Errorf("with the lifetime %v: %v", ttl, err)
		}
	}
	if _, err := c.Touch(t.Context(), "key", cache.Forever); err != nil {
		t.Error(err)
	}
}

func track(t *testing.T, s *redisstore.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := s.Track(ctx, redisstore.Tracking{Started: func() {}, Changed: func([]string) {}, Alive: func(time.Time) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Track: %v; want it to go on until it is cancelled", err)
	}
}

// asked returns what a server was asked for, and whether it did not allow it.
func asked(t *testing.T, client *redis.Client) map[string]bool {
	t.Helper()
	stats, err := client.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	rejected := make(map[string]bool)
	for _, m := range regexp.MustCompile(`cmdstat_([^:]+):calls=.*rejected_calls=(\d+)`).FindAllStringSubmatch(stats, -1) {
		rejected[m[1]] = m[2] != "0"
	}
	return rejected
}
