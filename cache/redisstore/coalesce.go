package redisstore

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// maxAlone is how many commands go each their own way. Up to there a connection and a round trip for each is as fast, and nobody waits for another.
	maxAlone = 8
	// maxRunners is how many batches are under way at once: one that is held up holds up no more than its share of the callers.
	maxRunners = 8
	// maxTogether is how many commands a batch has at most. More gain little, and the server keeps all their replies in memory until they are read.
	maxTogether = 128
)

// coalescer runs commands that are wanted at the same time together, as one pipeline on one connection: with many callers most of what a command
// costs, on both sides, are the system calls for its packets. Few callers don't meet it. Nobody waits for a batch to fill up: a batch is what has
// come while those before it were under way.
//
// It keeps what a caller has of a command of its own. A command is sent once or never, has its own error, and ends with its context: a batch's own
// context ends no later than that of any of its commands, and where a caller's ends while its command is yet to be sent, it is not sent. So do
// never returns while something of the caller's is in use or may still be sent. What the commands of a batch share is their connection: where
// it breaks, or its time is over, all that have no reply yet fail, and a reply waits for those before it.
type coalescer struct {
	direct   func(ctx context.Context, cmd redis.Cmder) error
	pipeline func(ctx context.Context, cmds []redis.Cmder) error // each command gets its own reply or error, or all have the one it returns
	span     time.Duration                                       // how much later than the first of a batch another may end

	mu      sync.Mutex
	alone   int      // commands under way that are not in a batch
	runners int      // goroutines that run batches
	waiting []*batch // in the order of their ends
	closed  bool
	running sync.WaitGroup // the runners
}

// batch is commands that are sent together, and not before it has left coalescer.waiting.
type batch struct {
	cmds []redis.Cmder
	end  time.Time     // of the command that ends first
	done chan struct{} // closed when every command has its reply or its error
}

// do runs a command. Its context must have a deadline for it to go with others.
func (c *coalescer) do(ctx context.Context, cmd redis.Cmder) error {
	b := c.join(ctx, cmd)
	if b == nil {
		defer c.left()
		return c.direct(ctx, cmd)
	}
	select {
	case <-b.done:
	case <-ctx.Done():
		if c.withdraw(b, cmd) {
			return ctx.Err()
		}
		<-b.done // about now, unless the caller has cancelled: then within its timeout
	}
	return cmd.Err()
}

// join adds a command to a batch, or returns nil for one that goes alone: where few do, where it might end too early for the others, or after close.
func (c *coalescer) join(ctx context.Context, cmd redis.Cmder) *batch {
	end, bounded := ctx.Deadline()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !bounded || c.closed || c.runners == 0 && c.alone < maxAlone {
		c.alone++
		return nil
	}
	var b *batch
	if n := len(c.waiting); n > 0 {
		b = c.waiting[n-1]
		if end.Before(b.end) {
			c.alone++
			return nil
		}
	}
	if b == nil || len(b.cmds) == maxTogether || end.Sub(b.end) > c.span {
		b = &batch{cmds: make([]redis.Cmder, 0, maxTogether/4), end: end, done: make(chan struct{})}
		c.waiting = append(c.waiting, b)
	}
	b.cmds = append(b.cmds, cmd)
	if c.runners < maxRunners {
		c.runners++
		c.running.Go(c.run)
	}
	return b
}

// left counts a command that went alone.
func (c *coalescer) left() {
	c.mu.Lock()
	c.alone--
	c.mu.Unlock()
}

// withdraw takes a command out of its batch, and tells whether it did: not of one that is being sent, or was.
func (c *coalescer) withdraw(b *batch, cmd redis.Cmder) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.waiting, b) {
		return false
	}
	b.cmds = slices.DeleteFunc(b.cmds, func(other redis.Cmder) bool { return other == cmd })
	return true
}

// run runs batches until none waits.
func (c *coalescer) run() {
	for {
		runtime.Gosched() // those whom the last batch has served come along if they are quick
		b := c.take()
		if b == nil {
			return
		}
		c.serve(b)
	}
}

// take returns the batch that has waited longest, or nil, after which the runner is not counted any more.
func (c *coalescer) take() *batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		c.runners--
		return nil
	}
	b := c.waiting[0]
	c.waiting = slices.Delete(c.waiting, 0, 1)
	return b
}

func (c *coalescer) serve(b *batch) {
	defer close(b.done)
	if len(b.cmds) == 0 {
		return // all withdrawn
	}
	ctx, cancel := context.WithDeadline(context.Background(), b.end)
	defer cancel()
	share(c.pipeline(ctx, b.cmds), b.cmds)
}

// share gives an error that no command has to all of them. A client does not where it is a server's that refused the connection: a wrong password is one.
func share(err error, cmds []redis.Cmder) {
	failed := func(cmd redis.Cmder) bool { return cmd.Err() != nil }
	if err == nil || slices.ContainsFunc(cmds, failed) {
		return
	}
	for _, cmd := range cmds {
		cmd.SetErr(err)
	}
}

// close waits for the batches under way and those that wait, each of which ends in time. Commands that come later go alone.
func (c *coalescer) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.running.Wait()
}
