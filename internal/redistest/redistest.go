//go:build unix

// Package redistest gives tests a real Redis.
//
// [URL] is for tests that need any Redis. [Start] is for tests that break theirs: such a server is frozen, killed and
// restarted at will. So are those of [StartTLS] and [StartUnix], which are reached in other ways, and those that
// [StartCluster] and [StartSentinel] join. [StartProxy] breaks the network before any of them.
//
// All of them fail the test where there is no server, and never skip it. Nothing is ever installed or downloaded. Valkey
// serves as well as Redis. Linux and macOS.
package redistest

import (
	"os"
	"testing"

	"github.com/redis/go-redis/v9"
)

// URL returns the URL of a Redis for this test: the value of APP_TEST_REDIS_URL if that is set, else that of an empty
// server which is started for the test on a free loopback port and stopped when the test ends.
//
// The server that the variable names may be shared with other tests and other users. So a test that uses URL writes
// under a key prefix of its own, and neither flushes nor counts what it did not write.
func URL(t testing.TB) string {
	t.Helper()
	if url := os.Getenv("APP_TEST_REDIS_URL"); url != "" {
		return url
	}
	return Start(t).URL()
}

// Client returns a plain client of the Redis at url, one that heeds its callers' deadlines. It does no I/O before its
// first command, and it is closed when the test ends.
func Client(t testing.TB, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal("the URL of the test's Redis is malformed (not repeated here, since it may hold a password)")
	}
	o.ContextTimeoutEnabled = true
	client := redis.NewClient(o)
	t.Cleanup(func() { _ = client.Close() }) // a test may have closed it, which is no failure
	return client
}
