package redisstore_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/lineartest"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

func TestStoreKeepsTheContractOn(t *testing.T) {
	t.Run("a cluster", func(t *testing.T) {
		t.Parallel()
		cluster := redistest.StartCluster(t, 3)
		cachetest.Run(t, onServer(t, cluster.URL(), clusterClient(t, cluster), 30*time.Second))
	})
	t.Run("a cluster with a client of the caller's", func(t *testing.T) {
		t.Parallel()
		cluster := redistest.StartCluster(t, 3)
		client := clusterClient(t, cluster)
		c := onServer(t, cluster.URL(), client, 30*time.Second)
		opened := c.New
		c.New = func(t *testing.T) cache.Store {
			opened(t)
			s, err := redisstore.New(client, &redisstore.Options{KeyPrefix: "test." + t.Name() + ":", Timeout: 30 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		c.Reopen, c.Plant = nil, nil
		cachetest.Run(t, c)
	})
	t.Run("a master that sentinels know", func(t *testing.T) {
		t.Parallel()
		sentinels := redistest.StartSentinel(t)
		cachetest.Run(t, onServer(t, sentinels.URL(), redistest.Client(t, sentinels.Master().URL()), 30*time.Second))
	})
	t.Run("a server by TLS", func(t *testing.T) {
		t.Parallel()
		server := redistest.StartTLS(t)
		cachetest.Run(t, onServer(t, server.URL(), clientByTLS(t, server), 30*time.Second))
	})
}

func TestStoresOnAClusterAreLinearizable(t *testing.T) {
	t.Parallel()
	lineartest.Check(t, lineartest.Config{Processes: processes(t, 2, redistest.StartCluster(t, 3).URL(), patience)})
}

func TestEveryIncrementCountsOnceWhileItsSlotMoves(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, 3)
	s := open(t, cluster.URL(), &redisstore.Options{Timeout: 10 * time.Second})
	var counted atomic.Int64
	var done atomic.Bool
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for !done.Load() {
				if _, err := s.Increment(t.Context(), "counter", 1, time.Hour); err != nil {
					t.Errorf("Increment while the slot moves: %v", err)
				}
				counted.Add(1)
			}
		})
	}
	slot := redistest.Slot("cache:counter")
	for range 5 {
		cluster.MoveSlot(slot, (cluster.Owner(slot)+1)%3)
	}
	done.Store(true)
	all.Wait()
	value, _, err := s.Get(t.Context(), "counter")
	if err != nil || string(value) != fmt.Sprint(counted.Load()) {
		t.Errorf("the counter is at %q, %v after %d increments", value, err, counted.Load())
	}
}

// A Clear that runs while slots go from one master to another finds the keys wherever they are.
func TestClearRemovesEverythingFromAClusterWhoseSlotsMove(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, 3)
	s := open(t, cluster.URL(), &redisstore.Options{Timeout: 10 * time.Second})
	other := clusterClient(t, cluster)
	// All in ten slots, which move all the time.
	tags := make([]string, 10)
	for i := range tags {
		tags[i] = fmt.Sprintf("{%d}", i)
	}
	for round := range 5 {
		items := make(map[string][]byte)
		for i := range 2000 {
			items[fmt.Sprintf("%s:%d", tags[i%len(tags)], i)] = []byte("value")
		}
		if err := s.SetMany(t.Context(), items, time.Hour); err != nil {
			t.Fatal(err)
		}
		cleared := make(chan error, 1)
		go func() { cleared <- s.Clear(t.Context(), "") }()
		moves := 0
		for done := false; !done; {
			select {
			case err := <-cleared:
				if err != nil {
					t.Fatalf("Clear while slots move: %v", err)
				}
				done = true
			default:
				slot := redistest.Slot("cache:" + tags[moves%len(tags)])
				cluster.MoveSlot(slot, (cluster.Owner(slot)+1)%3)
				moves++
			}
		}
		var left []string
		for _, key := range keysOf(items) {
			if other.Exists(t.Context(), "cache:"+key).Val() != 0 {
				left = append(left, key)
			}
		}
		if len(left) > 0 {
			t.Errorf("round %d: %d keys of %d survived a Clear during which %d slots moved, %q among them", round, len(left), len(items), moves, left[0])
		}
	}
}

func TestKeysOfASlotHalfMoved(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, 3)
	s := open(t, cluster.URL(), &redisstore.Options{Timeout: 10 * time.Second})
	keys := []string{"{a}1", "{a}2", "{a}3", "{a}4"}
	set := func(keys ...string) {
		for _, key := range keys {
			if err := s.Set(t.Context(), key, []byte(key), time.Hour); err != nil {
				t.Fatal(err)
			}
		}
	}
	set(keys...)
	slot := redistest.Slot("cache:{a}")
	to := (cluster.Owner(slot) + 1) % 3
	cluster.BeginMove(slot, to)
	cluster.MoveKey("cache:"+keys[0], to)
	cluster.MoveKey("cache:"+keys[1], to)
	if items, err := s.GetMany(t.Context(), keys); err != nil || len(items) != len(keys) {
		t.Errorf("GetMany = %q, %v; want all", items, err)
	}
	if got := allKeys(t, s, ""); !slices.Equal(slices.Compact(got), keys) {
		t.Errorf("Keys yields %q; want %q", got, keys)
	}
	if n, err := s.Increment(t.Context(), "{a}n", 2, time.Hour); n != 2 || err != nil {
		t.Errorf("Increment = %d, %v; want 2", n, err)
	}
	if swapped, err := s.CompareAndSwap(t.Context(), keys[0], []byte(keys[0]), []byte("new"), time.Hour); !swapped || err != nil {
		t.Errorf("CompareAndSwap of a key that has moved = %t, %v", swapped, err)
	}
	if err := s.DeleteMany(t.Context(), keys[1:3]); err != nil {
		t.Errorf("DeleteMany: %v", err)
	}
	if err := s.Clear(t.Context(), ""); err != nil {
		t.Errorf("Clear: %v", err)
	}
	cluster.FinishMove(slot, to)
	if got := allKeys(t, s, ""); len(got) > 0 {
		t.Errorf("Keys after Clear yields %q", got)
	}
}

func TestAClusterOneOfWhoseMastersIsDeadServesTheKeysOfTheOthers(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, 3)
	s := open(t, cluster.URL(), &redisstore.Options{Timeout: patience})
	dead, alive := keyOn(cluster, 0), keyOn(cluster, 1)
	for _, key := range []string{dead, alive} {
		if err := s.Set(t.Context(), key, []byte("value"), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	cluster.Nodes()[0].Kill()
	wait.Until(t, func() bool {
		_, _, err := s.Get(t.Context(), dead)
		return err != nil && strings.Contains(err.Error(), "breaker")
	})
	for range 100 {
		if _, found, err := s.Get(t.Context(), alive); !found || err != nil {
			t.Fatalf("Get from a master that lives = %t, %v; want the entry", found, err)
		}
	}
	if err := s.Ping(t.Context()); !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("Ping of a cluster without one of its masters: %v; want ErrUnavailable", err)
	}
	if err := s.Clear(t.Context(), ""); !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("Clear of a cluster without one of its masters: %v; want ErrUnavailable", err)
	}
	if st := s.BreakerStats(); st.Open != 1 {
		t.Errorf("%d breakers are open; want that of the dead master", st.Open)
	}
}

// keyOn returns a key of that node.
func keyOn(cluster *redistest.Cluster, node int) string {
	for i := 0; ; i++ {
		if key := fmt.Sprint("key", i); cluster.Owner(redistest.Slot("cache:"+key)) == node {
			return key
		}
	}
}

// A failover may lose what was acknowledged, for replication is asynchronous. It invents nothing: what is found was set, and is as new as any that was found before.
func TestASentinelFailsOverUnderLoad(t *testing.T) {
	t.Parallel()
	for name, failover := range map[string]func(*redistest.Sentinels){
		"on request":                    (*redistest.Sentinels).Failover,
		"because the master was killed": func(s *redistest.Sentinels) { s.Master().Kill() },
		"because the master is frozen":  func(s *redistest.Sentinels) { s.Master().Freeze() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sentinels := redistest.StartSentinel(t)
			before := sentinels.Master()
			s := open(t, sentinels.URL(), &redisstore.Options{Timeout: patience})
			const users = 8
			var set [users]atomic.Int64 // the number that each has tried last
			stop := make(chan struct{})
			var all sync.WaitGroup
			defer all.Wait()
			for user := range users {
				all.Go(func() {
					key := fmt.Sprint("user", user)
					for n := int64(1); ; n++ {
						select {
						case <-stop:
							return
						default:
						}
						set[user].Store(n)
						_ = s.Set(t.Context(), key, fmt.Append(nil, n), time.Hour)
						value, found, err := s.Get(t.Context(), key)
						if err != nil || !found {
							continue
						}
						var got int64
						if _, err := fmt.Sscan(string(value), &got); err != nil || got < 1 || got > n {
							t.Errorf("Get of %s found %q, which nobody has set", key, value)
						}
					}
				})
			}
			failover(sentinels)
			wait.Until(t, func() bool { return sentinels.Master() != before && s.Ping(t.Context()) == nil })
			for user := range users {
				key := fmt.Sprint("recovered", user)
				wait.Until(t, func() bool { return s.Set(t.Context(), key, []byte("new"), time.Hour) == nil })
				if value, found, err := s.Get(t.Context(), key); !found || err != nil || string(value) != "new" {
					t.Errorf("Get after the failover = %q, %t, %v; want what was set after it", value, found, err)
				}
			}
			close(stop)
		})
	}
}

func clusterClient(t *testing.T, cluster *redistest.Cluster) *redis.ClusterClient {
	t.Helper()
	var addrs []string
	for _, node := range cluster.Nodes() {
		addrs = append(addrs, node.Addr())
	}
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func clientByTLS(t *testing.T, server *redistest.TLS) *redis.Client {
	t.Helper()
	pem, err := os.ReadFile(server.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), TLSConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}})
	t.Cleanup(func() { _ = client.Close() })
	return client
}
