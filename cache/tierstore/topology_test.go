package tierstore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/lineartest"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

func TestStoreKeepsTheContractOn(t *testing.T) {
	t.Parallel()
	t.Run("a cluster", func(t *testing.T) {
		t.Parallel()
		cluster := redistest.StartCluster(t, 3)
		client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{cluster.Nodes()[0].Addr()}, ContextTimeoutEnabled: true})
		t.Cleanup(func() { _ = client.Close() })
		cachetest.Run(t, onServer(t, cluster.URL(), client, 30*time.Second))
	})
	t.Run("a master that sentinels know", func(t *testing.T) {
		t.Parallel()
		sentinels := redistest.StartSentinel(t)
		cachetest.Run(t, onServer(t, sentinels.URL(), redistest.Client(t, sentinels.Master().URL()), 30*time.Second))
	})
}

func TestTheUsersOfOneProcessSeeEveryKeyLinearizableOnACluster(t *testing.T) {
	t.Parallel()
	lineartest.Check(t, lineartest.Config{Processes: process(t, redistest.StartCluster(t, 3).URL(), patience)})
}

func TestNothingOldIsReadWhileSlotsMove(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, 3)
	other := plain(t, cluster.URL())
	s := tracked(t, cluster.URL(), &redisstore.Options{Timeout: 10 * time.Second})
	slot := redistest.Slot("cache:key")
	near := func(value string) {
		t.Helper()
		keepNear(t, s, redistest.Client(t, cluster.Nodes()[cluster.Owner(slot)].URL()), "key", value)
	}
	write := func(value string) {
		t.Helper()
		if err := other.Set(t.Context(), "key", []byte(value), time.Hour); err != nil {
			t.Fatal(err)
		}
		written := time.Now()
		wait.Until(t, func() bool {
			got, _, err := s.Get(t.Context(), "key")
			return err == nil && string(got) == value
		})
		if took := time.Since(written); took > bound {
			t.Errorf("%q is read after %v", value, took)
		}
	}
	for n := range 4 {
		write(fmt.Sprint("before move ", n))
		near(fmt.Sprint("before move ", n))
		to := (cluster.Owner(slot) + 1) % 3
		cluster.BeginMove(slot, to)
		write(fmt.Sprint("where it was ", n))
		cluster.MoveKey("cache:key", to)
		write(fmt.Sprint("where it goes ", n))
		cluster.FinishMove(slot, to)
		write(fmt.Sprint("after move ", n))
		near(fmt.Sprint("after move ", n))
	}
}

func TestNoReadIsOlderThanThreeSecondsAfterAFailover(t *testing.T) {
	t.Parallel()
	sentinels := redistest.StartSentinel(t)
	s, told := open(t, sentinels.URL(), &redisstore.Options{Timeout: patience})
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	if err := s.Set(t.Context(), "key", []byte("old"), time.Hour); err != nil {
		t.Fatal(err)
	}
	old := sentinels.Master()
	keepNear(t, s, redistest.Client(t, old.URL()), "key", "old")
	replica := redistest.Client(t, sentinels.Servers()[1].URL())
	wait.Until(t, func() bool { return replica.Exists(t.Context(), "cache:key").Val() == 1 })
	old.Freeze()
	wait.Until(t, func() bool { return sentinels.Master() != old })
	other := redistest.Client(t, sentinels.Master().URL())
	wait.Until(t, func() bool { return other.Set(t.Context(), "cache:key", "new", 0).Err() == nil })
	neverAfter(t, s, time.Now(), "old")
	old.Thaw()
	neverAfter(t, s, time.Now(), "old")
	resume(t, s, told, other, "new")
}

// A master that was replaced behind its back is whole, answers all that it is asked, and tells of nothing.
func TestNoReadIsOlderThanThreeSecondsAfterSentinelsNameAnotherMaster(t *testing.T) {
	t.Parallel()
	sentinels := redistest.StartSentinel(t)
	s, told := open(t, sentinels.URL(), &redisstore.Options{Timeout: patience})
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	if err := s.Set(t.Context(), "key", []byte("old"), time.Hour); err != nil {
		t.Fatal(err)
	}
	keepNear(t, s, redistest.Client(t, sentinels.Master().URL()), "key", "old")
	another := redistest.Start(t)
	host, port, _ := strings.Cut(another.Addr(), ":")
	other := redistest.Client(t, another.URL())
	if err := other.Set(t.Context(), "cache:key", "new", 0).Err(); err != nil {
		t.Fatal(err)
	}
	for _, sentinel := range sentinels.Sentinels() {
		client := redis.NewSentinelClient(&redis.Options{Addr: sentinel.Addr()})
		t.Cleanup(func() { _ = client.Close() })
		if err := client.Remove(t.Context(), "mymaster").Err(); err != nil {
			t.Fatal(err)
		}
		if err := client.Monitor(t.Context(), "mymaster", host, port, "2").Err(); err != nil {
			t.Fatal(err)
		}
	}
	neverAfter(t, s, time.Now(), "old")
	resume(t, s, told, other, "new")
}
