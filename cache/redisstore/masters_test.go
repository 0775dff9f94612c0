package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

// fleet is a cluster, each of whose nodes is behind a proxy, and a store that knows nothing of the proxies.
type fleet struct {
	*redistest.Cluster
	proxies []*redistest.Proxy // in the order of the nodes
	store   *redisstore.Store
}

func startFleet(t *testing.T, masters int) fleet {
	t.Helper()
	f := fleet{Cluster: redistest.StartCluster(t, masters)}
	behind := make(map[string]string)
	var addrs []string
	for _, node := range f.Nodes() {
		proxy := redistest.StartProxy(t, node.Addr())
		f.proxies, addrs, behind[node.Addr()] = append(f.proxies, proxy), append(addrs, node.Addr()), proxy.Addr()
	}
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: addrs, ContextTimeoutEnabled: true, DialTimeout: timeout, ReadTimeout: timeout, WriteTimeout: timeout, MaxRetries: -1, DialerRetries: 1,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, behind[addr])
		},
	})
	t.Cleanup(func() { _ = client.Close() })
	var err error
	if f.store, err = redisstore.New(client, &redisstore.Options{Timeout: timeout}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.store.Close() })
	return f
}

// known makes the store know the cluster.
func (f fleet) known(t *testing.T) {
	t.Helper()
	wait.Until(t, func() bool { return f.store.Ping(t.Context()) == nil })
}

func (f fleet) getOf(t *testing.T, key string) error {
	t.Helper()
	_, _, err := f.store.Get(t.Context(), key)
	return err
}

// opened waits until the breaker of the master of key is open.
func (f fleet) opened(t *testing.T, key string) {
	t.Helper()
	wait.Until(t, func() bool {
		err := f.getOf(t, key)
		return err != nil && strings.Contains(err.Error(), "the breaker is open")
	})
}

func TestEveryMasterOfAClusterHasABreakerOfItsOwn(t *testing.T) {
	t.Parallel()
	f := startFleet(t, 3)
	f.known(t)
	var keys []string
	for node := range f.proxies {
		keys = append(keys, keyOn(f.Cluster, node))
	}
	for away := range 2 {
		f.proxies[away].BlackHole()
		f.opened(t, keys[away])
		if st := f.store.BreakerStats(); st.Open != away+1 || st.Opened != int64(away+1) {
			t.Errorf("BreakerStats where %d of 3 masters are away = %+v", away+1, st)
		}
		for range 50 {
			if err := f.getOf(t, keys[2]); err != nil {
				t.Fatalf("Get from the master that is there: %v", err)
			}
		}
	}
	for _, proxy := range f.proxies {
		proxy.Pass()
	}
	wait.Until(t, func() bool { return f.store.BreakerStats().Open == 0 })
	for _, key := range keys {
		wait.Until(t, func() bool { return f.getOf(t, key) == nil })
	}
}

func TestTheBreakerOfAClusterThatNobodyHasReachedKeepsFromIt(t *testing.T) {
	t.Parallel()
	f := startFleet(t, 3)
	for _, proxy := range f.proxies {
		proxy.BlackHole()
	}
	wait.Until(t, func() bool { return f.getOf(t, "key") != nil && f.store.BreakerStats().Open == 1 })
	began := time.Now()
	for range 20 {
		if err := f.getOf(t, "key"); !errors.Is(err, cache.ErrUnavailable) || !strings.Contains(err.Error(), "breaker") {
			t.Errorf("Get: %v; want ErrUnavailable for the breaker", err)
		}
	}
	if d := time.Since(began); d > 10*timeout {
		t.Errorf("20 calls have taken %v with an open breaker", d)
	}
}

func TestNoWriteIsDoneTwiceOnAClusterWhoseAnswersAreCutOff(t *testing.T) {
	t.Parallel()
	f := startFleet(t, 2)
	f.known(t)
	for round := range 30 {
		key := fmt.Sprint("counter", round)
		if _, err := f.store.Increment(t.Context(), fmt.Sprint("warm", round), 1, time.Hour); err != nil && round > 1 {
			t.Logf("warm: %v", err)
		}
		node := f.Owner(redistest.Slot("cache:" + key))
		f.proxies[node].CutReply(round % 5)
		_, failed := f.store.Increment(t.Context(), key, 1, time.Hour)
		f.proxies[node].Pass()
		var n int64
		wait.Until(t, func() (ok bool) {
			var err error
			n, err = f.store.Increment(t.Context(), key, 0, time.Hour)
			return err == nil
		})
		if n > 1 || failed == nil && n != 1 {
			t.Errorf("Increment whose answer was cut off has counted %d times (it said %v)", n, failed)
		}
	}
}

// Its keys are another master's now.
func TestTheBreakerOfAMasterThatHasLostItsPlaceIsForgotten(t *testing.T) {
	t.Parallel()
	f := startFleet(t, 3)
	f.known(t)
	key := keyOn(f.Cluster, 0)
	f.Nodes()[0].Kill()
	f.proxies[0].KillConnections()
	f.opened(t, key)
	heir := redistest.Client(t, f.Nodes()[1].URL())
	const last = 16384/3 - 1
	for _, command := range [][]any{
		{"cluster", "delslotsrange", 0, last}, {"cluster", "addslotsrange", 0, last}, {"cluster", "bumpepoch"},
	} {
		if err := heir.Do(t.Context(), command...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	wait.Until(t, func() bool { return f.getOf(t, key) == nil })
	wait.Until(t, func() bool { return f.store.BreakerStats().Open == 0 })
	wait.Until(t, func() bool { return f.store.Ping(t.Context()) == nil }) // it asks the masters that there are
}
