package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
)

// slots is how many parts the keys of a cluster are divided into (Redis Cluster specification, key distribution model).
const slots = 16_384

// cluster is several masters, each of which has the keys of some slots.
type cluster struct{ *redis.ClusterClient }

func (c cluster) master(ctx context.Context, key string) (*redis.Client, error) {
	return c.MasterForKey(ctx, key)
}

// masters asks one node, whichever that is. Where it does not answer, half of the time is left for another, or for what is done with what was known before.
func (c cluster) masters(ctx context.Context) ([]*redis.Client, error) {
	if end, bounded := ctx.Deadline(); bounded {
		half, cancel := context.WithTimeout(ctx, time.Until(end)/2)
		defer cancel()
		if all, err := c.mastersBy(half); err == nil || half.Err() == nil {
			return all, err
		}
	}
	return c.mastersBy(ctx)
}

func (c cluster) mastersBy(ctx context.Context) ([]*redis.Client, error) {
	var mu sync.Mutex
	var all []*redis.Client
	err := c.ForEachMaster(ctx, func(_ context.Context, master *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, master)
		return nil
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%w: the cluster has no master", cache.ErrUnavailable)
	}
	slices.SortFunc(all, func(a, b *redis.Client) int { return strings.Compare(a.Options().Addr, b.Options().Addr) })
	return all, err
}

// errUnsettled is of a moment in which a slot has no master, or two. One that is moved has for an instant.
var errUnsettled = errors.New("it may be that they are being moved")

// layout gives an error where a slot has no master, or one that is not known yet: nobody could say then that all keys were seen.
func (c cluster) layout(ctx context.Context, process processOn) (layout, error) {
	masters, err := c.masters(ctx)
	if err != nil {
		return layout{}, err
	}
	l := layout{masters: masters}
	covered := 0
	for _, master := range masters {
		cmd := newString(ctx, "cluster", "nodes")
		if err := process(ctx, master, cmd); err != nil {
			return layout{}, err
		}
		part, err := partOf(cmd.Val())
		if err != nil {
			return layout{}, err
		}
		l.text += part.text + "\n"
		l.moving = l.moving || part.moving
		covered += part.slots
	}
	if covered != slots {
		return layout{}, fmt.Errorf("%w: %d of the cluster's %d slots are some master's: %w", cache.ErrUnavailable, covered, slots, errUnsettled)
	}
	return l, nil
}

// part is what one master says of itself.
type part struct {
	text   string
	slots  int
	moving bool
}

// partOf reads a node's own line of CLUSTER NODES, which ends in its slots: "0-5460", "5462", and "[5461->-id]" or "[5461-<-id]" where the keys of
// a slot leave or arrive.
func partOf(nodes string) (part, error) {
	const epoch, firstSlot = 6, 8
	for line := range strings.Lines(nodes) {
		fields := strings.Fields(line)
		if len(fields) < firstSlot || !strings.Contains(fields[2], "myself") {
			continue
		}
		p := part{text: strings.Join(append([]string{fields[0], fields[2], fields[epoch]}, fields[firstSlot:]...), " ")}
		if !strings.Contains(fields[2], "master") {
			return p, nil // it was one a moment ago
		}
		for _, field := range fields[firstSlot:] {
			if strings.HasPrefix(field, "[") {
				p.moving = true
				continue
			}
			n, err := slotsIn(field)
			if err != nil {
				return part{}, err
			}
			p.slots += n
		}
		return p, nil
	}
	return part{}, fmt.Errorf("%w: a node of the cluster says nothing of itself", cache.ErrUnavailable)
}

func slotsIn(field string) (int, error) {
	from, to, isRange := strings.Cut(field, "-")
	if !isRange {
		to = from
	}
	first, err1 := strconv.Atoi(from)
	last, err2 := strconv.Atoi(to)
	if err1 != nil || err2 != nil || first < 0 || last < first || last >= slots {
		return 0, fmt.Errorf("%w: a node of the cluster has slots %.32q", cache.ErrUnavailable, field)
	}
	return last - first + 1, nil
}
