//go:build unix

package redistest

import (
	"errors"
	"fmt"
	"maps"
	"strings"
)

// MoveSlot moves the slot with all its keys, while it is served, from the node that owns it to Nodes()[to], and returns
// when all the nodes know.
func (c *Cluster) MoveSlot(slot, to int) {
	c.t.Helper()
	c.BeginMove(slot, to)
	c.FinishMove(slot, to)
}

// BeginMove makes the slot's owner migrate it and Nodes()[to] import it, and moves no key yet: until FinishMove the old
// node serves the keys that are still there, and redirects with ASK whoever wants another.
func (c *Cluster) BeginMove(slot, to int) {
	c.t.Helper()
	from := c.Owner(slot)
	if from == to {
		c.t.Fatalf("move slot %d in the test's Redis Cluster: node %d owns it already", slot, to)
	}
	c.nodes[to].must("CLUSTER", "SETSLOT", slot, "IMPORTING", c.ids[from])
	c.nodes[from].must("CLUSTER", "SETSLOT", slot, "MIGRATING", c.ids[to])
}

// MoveKey migrates one key of a slot whose move to Nodes()[to] has begun. It fails the test where the key's old node
// has no such key.
func (c *Cluster) MoveKey(key string, to int) {
	c.t.Helper()
	if !c.migrate(c.Owner(Slot(key)), to, []string{key}) {
		c.t.Fatalf("move the key %q in the test's Redis Cluster: its slot's owner has no such key", key)
	}
}

// FinishMove migrates, in small steps, what is left of a slot whose move to Nodes()[to] has begun, assigns the slot to
// that node, and returns when all the nodes know. It needs all of them.
func (c *Cluster) FinishMove(slot, to int) {
	c.t.Helper()
	from := c.Owner(slot)
	for {
		const step = 10
		keys, err := c.nodes[from].must("CLUSTER", "GETKEYSINSLOT", slot, step).StringSlice()
		if err != nil {
			c.t.Fatalf("list the keys of slot %d in the test's Redis Cluster: %v", slot, err)
		}
		if len(keys) == 0 {
			break
		}
		c.migrate(from, to, keys) // none is there any more where they have just been deleted or have expired
	}
	// The new owner is told first and the old one next, so that neither ever redirects to one that redirects back.
	c.nodes[to].must("CLUSTER", "SETSLOT", slot, "NODE", c.ids[to])
	c.nodes[from].must("CLUSTER", "SETSLOT", slot, "NODE", c.ids[to])
	for i, node := range c.nodes {
		if i != from && i != to {
			node.must("CLUSTER", "SETSLOT", slot, "NODE", c.ids[to])
		}
	}
	until(c.t, fmt.Sprintf("move slot %d in the test's Redis Cluster", slot), func() error {
		for _, node := range c.nodes {
			owner, err := c.ownerBy(node, slot)
			if err != nil {
				return err
			}
			if owner != to {
				return errors.New("the node at " + node.Addr() + " has not learnt of it")
			}
		}
		return c.agree()
	})
}

// agree returns an error unless the nodes give each other the same epochs, all different: of two that claim a slot the one with the higher epoch
// has it, so that a node which does not know the highest yet could take a slot and lose it again.
func (c *Cluster) agree() error {
	var first map[string]string
	for _, node := range c.nodes {
		text, err := node.ask("CLUSTER", "NODES").Text()
		if err != nil {
			return err
		}
		epochs, seen := make(map[string]string), make(map[string]bool)
		for line := range strings.Lines(text) {
			const id, epoch = 0, 6
			fields := strings.Fields(line)
			if len(fields) <= epoch {
				return fmt.Errorf("the node at %s says %q of another", node.Addr(), line)
			}
			if seen[fields[epoch]] {
				return errors.New("two nodes have the epoch " + fields[epoch])
			}
			epochs[fields[id]], seen[fields[epoch]] = fields[epoch], true
		}
		if first == nil {
			first = epochs
		}
		if !maps.Equal(epochs, first) {
			return errors.New("the node at " + node.Addr() + " has other epochs than the rest")
		}
	}
	return nil
}

// migrate moves keys that one node holds to another. It is false if none of them was there.
func (c *Cluster) migrate(from, to int, keys []string) bool {
	c.t.Helper()
	target := c.nodes[to]
	args := []any{"MIGRATE", "127.0.0.1", target.port, "", 0, patience.Milliseconds()}
	if target.password != "" {
		args = append(args, "AUTH", target.password)
	}
	args = append(args, "KEYS")
	for _, key := range keys {
		args = append(args, key)
	}
	return c.nodes[from].must(args...).Val() != "NOKEY"
}
