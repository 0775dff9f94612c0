//go:build unix

package redistest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Cluster is a Redis Cluster of the test's own: masters on loopback, without replicas, which serve the slots they have
// even while another one is down. A node that is restarted has its slots still and its data no more, and needs two
// seconds until it serves again.
//
// Its methods are for the goroutine that runs the test.
type Cluster struct {
	t     testing.TB
	nodes []*Server
	ids   []string // of the nodes, in their order
}

// StartCluster starts a cluster of so many masters, among which the slots are spread evenly and in order, and returns
// when every node knows the owner of every slot and serves its own. That takes about two seconds, for which a new
// master waits by itself.
//
// The args go to every node, as with Start. Where they set a password with --requirepass the methods of Cluster use it.
// The server must be of version 7.0 or later.
func StartCluster(t testing.TB, masters int, args ...string) *Cluster {
	t.Helper()
	if masters < 1 {
		t.Fatalf("start a Redis Cluster for the test: it cannot have %d masters", masters)
	}
	c := &Cluster{t: t}
	for i := range masters {
		node := startNode(t, args)
		c.nodes = append(c.nodes, node)
		c.ids = append(c.ids, node.must("CLUSTER", "MYID").Val().(string))
		node.must("CLUSTER", "SET-CONFIG-EPOCH", i+1)
		node.must("CLUSTER", "ADDSLOTSRANGE", slots*i/masters, slots*(i+1)/masters-1)
	}
	for _, node := range c.nodes[1:] {
		c.nodes[0].must("CLUSTER", "MEET", "127.0.0.1", node.port, node.bus)
	}
	for _, node := range c.nodes {
		until(t, "start a Redis Cluster for the test", func() error { return node.inCluster(masters) })
	}
	return c
}

func startNode(t testing.TB, args []string) *Server {
	t.Helper()
	s := newServer(t, args)
	s.launch(2, func(ports []int) []string {
		s.bus = ports[1]
		return s.dataLine(
			"--port", strconv.Itoa(ports[0]), "--cluster-port", strconv.Itoa(ports[1]),
			"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-announce-ip", "127.0.0.1",
			"--cluster-node-timeout", "1000", "--cluster-require-full-coverage", "no",
			"--cluster-allow-replica-migration", "no", // a master that has lost its last slot stays one
		)
	})
	return s
}

// inCluster returns an error unless s serves as one of so many masters, all of whose slots it knows.
func (s *Server) inCluster(masters int) error {
	info, err := s.ask("CLUSTER", "INFO").Text()
	if err != nil {
		return err
	}
	lines := strings.Fields(info)
	for _, want := range []string{
		"cluster_state:ok", fmt.Sprintf("cluster_slots_ok:%d", slots),
		fmt.Sprintf("cluster_known_nodes:%d", masters), fmt.Sprintf("cluster_size:%d", masters),
	} {
		if !slices.Contains(lines, want) {
			return fmt.Errorf("the node at %s is not at %s yet, but says %q", s.Addr(), want, lines)
		}
	}
	return nil
}

// Nodes returns the servers of the cluster, always in the same order.
func (c *Cluster) Nodes() []*Server { return slices.Clone(c.nodes) }

// URL returns the URL that names all the nodes, redis+cluster://host:port,host:port, without a password.
func (c *Cluster) URL() string { return "redis+cluster://" + addresses(c.nodes) }

// Slot is the function Slot.
func (c *Cluster) Slot(key string) int { return Slot(key) }

// Owner returns the index in Nodes of the node that serves the slot, by the word of the first node that answers. A slot
// that is half migrated belongs to its old node still.
func (c *Cluster) Owner(slot int) int {
	c.t.Helper()
	err := fmt.Errorf("there is no slot %d", slot)
	for _, node := range c.nodes {
		var owner int
		if owner, err = c.ownerBy(node, slot); err == nil {
			return owner
		}
	}
	c.t.Fatalf("find the owner of slot %d in the test's Redis Cluster: %v", slot, err)
	return -1
}

func (c *Cluster) ownerBy(node *Server, slot int) (int, error) {
	var shards []redis.ClusterShard
	err := node.do(func(ctx context.Context, client *redis.Client) (err error) {
		shards, err = client.ClusterShards(ctx).Result()
		return err
	})
	if err != nil {
		return -1, err
	}
	for _, shard := range shards {
		for _, r := range shard.Slots {
			if r.Start <= int64(slot) && int64(slot) <= r.End && len(shard.Nodes) == 1 {
				return slices.Index(c.ids, shard.Nodes[0].ID), nil
			}
		}
	}
	return -1, fmt.Errorf("the node at %s knows no owner of slot %d", node.Addr(), slot)
}

func addresses(servers []*Server) string {
	var list []string
	for _, s := range servers {
		list = append(list, s.Addr())
	}
	return strings.Join(list, ",")
}
