package redistest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

func TestAClusterServesAllSlotsFromAllItsNodes(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3)
	if want := c.Nodes()[0].Addr() + "," + c.Nodes()[1].Addr() + "," + c.Nodes()[2].Addr(); c.URL() != "redis+cluster://"+want {
		t.Errorf("URL is %q, want the nodes %s", c.URL(), want)
	}
	client := clusterClient(t, c, "")
	served := make([]int, 3)
	for i := range 60 {
		key := fmt.Sprint("k", i)
		if err := client.Set(t.Context(), key, i, 0).Err(); err != nil {
			t.Fatalf("SET %s at once: %v", key, err)
		}
		served[c.Owner(c.Slot(key))]++
	}
	for i, n := range served {
		if size := redistest.Client(t, c.Nodes()[i].URL()).DBSize(t.Context()).Val(); size != int64(n) || n == 0 {
			t.Errorf("node %d holds %d keys and owns %d of them, want some and all", i, size, n)
		}
	}

	t.Run("a slot moves with all its keys", func(t *testing.T) {
		slot := redistest.Slot("{moved}")
		from, keys := c.Owner(slot), 25
		for i := range keys {
			setIn(t, client, fmt.Sprint("{moved}", i), "v")
		}
		for _, to := range []int{(from + 1) % 3, (from + 2) % 3, from} {
			c.MoveSlot(slot, to)
			if got := c.Owner(slot); got != to {
				t.Errorf("the owner is node %d, want %d", got, to)
			}
			node := redistest.Client(t, c.Nodes()[to].URL())
			if got := node.ClusterCountKeysInSlot(t.Context(), slot).Val(); got != int64(keys) {
				t.Errorf("node %d has %d keys of the slot, want %d", to, got, keys)
			}
		}
	})

	t.Run("a slot that is half migrated is served by both", func(t *testing.T) {
		slot := redistest.Slot("{half}")
		from := c.Owner(slot)
		to := (from + 1) % 3
		setIn(t, client, "{half}moved", "m")
		setIn(t, client, "{half}kept", "k")
		c.BeginMove(slot, to)
		c.MoveKey("{half}moved", to)
		if got := c.Owner(slot); got != from {
			t.Errorf("the owner is node %d, want still %d", got, from)
		}
		old := redistest.Client(t, c.Nodes()[from].URL())
		if err := old.Get(t.Context(), "{half}moved").Err(); err == nil || !strings.HasPrefix(err.Error(), "ASK ") {
			t.Errorf("GET of the moved key from the old node gives %v, want ASK", err)
		}
		if got := old.Get(t.Context(), "{half}kept").Val(); got != "k" {
			t.Errorf("GET of the kept key from the old node gives %q, want it", got)
		}
		if got := client.Get(t.Context(), "{half}moved").Val(); got != "m" {
			t.Errorf("GET of the moved key gives %q, want it", got)
		}
		c.FinishMove(slot, to)
		if err := old.Get(t.Context(), "{half}kept").Err(); err == nil || !strings.HasPrefix(err.Error(), "MOVED ") {
			t.Errorf("GET from the old node gives %v after the move, want MOVED", err)
		}
		if got := client.Get(t.Context(), "{half}kept").Val(); got != "k" {
			t.Errorf("GET gives %q after the move, want what was there", got)
		}
	})

	t.Run("the others serve while a node is killed", func(t *testing.T) {
		down := c.Nodes()[0]
		down.Kill()
		key := keyOf(c, 1)
		node := redistest.Client(t, c.Nodes()[1].URL())
		wait.Until(t, func() bool { // they find it failed after a while
			return strings.Contains(node.ClusterNodes(t.Context()).Val(), " master,fail ")
		})
		set(t, node, key, "v")

		lost := keyOf(c, 0)
		down.Restart()
		client := redistest.Client(t, down.URL())
		wait.Until(t, func() bool { return client.Set(t.Context(), lost, "v", 0).Err() == nil })
	})
}

func TestAClusterWithAPasswordMovesItsSlotsToo(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 2, "--requirepass", "x")
	client := clusterClient(t, c, "x")
	setIn(t, client, "k", "v")
	slot := c.Slot("k")
	c.MoveSlot(slot, 1-c.Owner(slot))
	if got := client.Get(t.Context(), "k").Val(); got != "v" {
		t.Errorf("GET gives %q after the move, want what was there", got)
	}
	if err := ping(t, c.Nodes()[0].URL()); err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("PING without the password gives %v, want NOAUTH", err)
	}
}

func TestSlotIsThatOfTheServer(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t, redistest.StartCluster(t, 1).Nodes()[0].URL())
	for _, key := range []string{"", "k", "123456789", "{tag}k", "k{tag}", "{}k", "{k", "k}", "a}{b}", "{{a}}", "{a}{b}", "\x00ä\xff"} {
		if got, want := redistest.Slot(key), client.ClusterKeySlot(t.Context(), key).Val(); int64(got) != want {
			t.Errorf("Slot(%q) is %d, want %d", key, got, want)
		}
	}
}

func TestMovesThatCannotBeFailTheTest(t *testing.T) {
	t.Parallel()
	failure := &failure{TB: t}
	c := redistest.StartCluster(failure, 2)
	slot := c.Slot("k")
	from := c.Owner(slot)
	if got := failure.of(func() { c.MoveSlot(slot, from) }); !strings.Contains(got, "owns it already") {
		t.Errorf("a move to the owner failed with %q", got)
	}
	if got := failure.of(func() { c.MoveKey("k", 1-from) }); !strings.Contains(got, "no such key") {
		t.Errorf("a move of no key failed with %q", got)
	}
}

// keyOf returns a key whose slot is node's.
func keyOf(c *redistest.Cluster, node int) string {
	for i := 0; ; i++ {
		if key := fmt.Sprint("of", i); c.Owner(c.Slot(key)) == node {
			return key
		}
	}
}

func clusterClient(t *testing.T, c *redistest.Cluster, password string) *redis.ClusterClient {
	t.Helper()
	addrs := strings.Split(strings.TrimPrefix(c.URL(), "redis+cluster://"), ",")
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, Password: password, ContextTimeoutEnabled: true})
	t.Cleanup(func() {
		if err := client.Close(); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("close the client: %v", err)
		}
	})
	return client
}

func setIn(t *testing.T, client *redis.ClusterClient, key, value string) {
	t.Helper()
	if err := client.Set(t.Context(), key, value, time.Minute).Err(); err != nil {
		t.Fatalf("SET %s: %v", key, err)
	}
}
