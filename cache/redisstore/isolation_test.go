package redisstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

func TestAnOpenBreakerOfAMasterKeepsEveryMethodFromIt(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Get", "Set", "GetMany", "SetMany", "DeleteMany", "Keys", "Clear"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := startFleet(t, 3)
			f.known(t)
			c := over(t, f.store)
			away, there := keyOn(f.Cluster, 0), keyOn(f.Cluster, 1)
			run := map[string]func() error{
				"Get":        func() error { _, _, err := c.Get(t.Context(), away); return err },
				"Set":        func() error { return c.Set(t.Context(), away, nil, time.Hour) },
				"GetMany":    func() error { _, err := c.GetMany(t.Context(), []string{there, away}); return err },
				"SetMany":    func() error { return c.SetMany(t.Context(), map[string][]byte{there: nil, away: nil}, time.Hour) },
				"DeleteMany": func() error { return c.DeleteMany(t.Context(), []string{there, away}) },
				"Clear":      func() error { return c.Clear(t.Context()) },
				"Keys": func() error {
					for _, err := range c.Keys(t.Context(), "") {
						if err != nil {
							return err
						}
					}
					return nil
				},
			}[name]
			f.proxies[0].BlackHole()
			f.opened(t, away)
			const pause = 100 * time.Millisecond
			before, began := f.proxies[0].Accepted(), time.Now()
			// Whoever asks who the masters are may ask one that is away, and loses half of its time.
			const n = 20
			asks, refused, least := 0, 0, n
			if name == "Keys" || name == "Clear" {
				asks, least = n, n/4
			}
			for range n {
				err := run()
				if !errors.Is(err, cache.ErrUnavailable) {
					t.Fatalf("%s where a master is away: %v; want ErrUnavailable", name, err)
				}
				if strings.Contains(err.Error(), "the breaker is open") {
					refused++
				}
			}
			if refused < least {
				t.Errorf("the breaker is named by %d errors of %d calls; want %d at least", refused, n, least)
			}
			d := time.Since(began)
			if made := f.proxies[0].Accepted() - before; made > 2+int(d/pause)+asks {
				t.Errorf("%d calls have made %d connections to the master that is away, in %v; want those of pings", n, made, d)
			}
		})
	}
}

// What failed with one master must not keep from the others.
func TestABatchThatFailedWithOneMasterKeepsNobodyFromTheOthers(t *testing.T) {
	t.Parallel()
	f := startFleet(t, 3)
	f.known(t)
	away, there := keyOn(f.Cluster, 0), keyOn(f.Cluster, 1)
	f.proxies[0].BlackHole()
	f.opened(t, away)
	if err := f.store.SetMany(t.Context(), map[string][]byte{there: nil, away: nil}, time.Hour); err == nil {
		t.Fatal("SetMany has succeeded where a master is away")
	}
	if err := f.getOf(t, there); err != nil {
		t.Errorf("Get from a master that is there, of a key that failed together with another: %v", err)
	}
	if err := f.store.Set(t.Context(), there, []byte("new"), time.Hour); err != nil {
		t.Errorf("Set: %v", err)
	}
}

func TestCloseWaitsForNoAnswerOfACluster(t *testing.T) {
	t.Parallel()
	const long = 30 * time.Second
	cluster := redistest.StartCluster(t, 3)
	s := open(t, cluster.URL(), &redisstore.Options{Timeout: long})
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	key := keyOn(cluster, 0)
	cluster.Nodes()[0].Kill()
	wait.Until(t, func() bool {
		_, _, err := s.Get(t.Context(), key)
		return err != nil && s.BreakerStats().Open == 1
	})
	cluster.Nodes()[1].Freeze()
	cluster.Nodes()[2].Freeze()
	// Until somebody asks them in the background who the masters are.
	began := time.Now()
	wait.Until(t, func() bool { return time.Since(began) > 3*timeout })
	began = time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if d := time.Since(began); d > long/6 {
		t.Errorf("Close of a store on a cluster that is frozen took %v", d)
	}
}
