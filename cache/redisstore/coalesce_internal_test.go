package redisstore

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

// held is a server for a coalescer, in a bubble of synctest: what reaches it waits until it is let go, or until its context ends.
type held struct {
	mu      sync.Mutex
	direct  []redis.Cmder
	batches [][]redis.Cmder
	ends    []time.Time // of the batches' contexts
	release chan struct{}
	answer  func(cmd redis.Cmder) error // what a command gets; nil for none
}

func newHeld() (*held, *coalescer) {
	h := &held{release: make(chan struct{})}
	return h, &coalescer{direct: h.alone, pipeline: h.together, span: time.Second / 16}
}

func (h *held) alone(ctx context.Context, cmd redis.Cmder) error {
	h.mu.Lock()
	h.direct = append(h.direct, cmd)
	h.mu.Unlock()
	err := h.wait(ctx)
	if err == nil && h.answer != nil {
		err = h.answer(cmd)
	}
	cmd.SetErr(err)
	return err
}

func (h *held) together(ctx context.Context, cmds []redis.Cmder) error {
	h.mu.Lock()
	end, _ := ctx.Deadline()
	h.batches, h.ends = append(h.batches, cmds), append(h.ends, end)
	h.mu.Unlock()
	failed := h.wait(ctx)
	for _, cmd := range cmds {
		err := failed
		if err == nil && h.answer != nil {
			err = h.answer(cmd)
		}
		cmd.SetErr(err)
	}
	return failed
}

func (h *held) wait(ctx context.Context) error {
	select {
	case <-h.release:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *held) letGo() { close(h.release) }

// sent returns how many commands have reached the server alone, and how many in each batch, the largest batch last.
func (h *held) sent() (alone int, batches []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.batches {
		batches = append(batches, len(b))
	}
	slices.Sort(batches)
	return len(h.direct), batches
}

// fill has as many commands wait as go alone, and one in the first batch of every runner. It returns how they went, once they did.
func fill(ctx context.Context, c *coalescer) (errs []error, wait func()) {
	errs = make([]error, maxAlone+maxRunners)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = c.do(ctx, newInt(ctx, "incr", "filling")) })
		synctest.Wait()
	}
	return errs, all.Wait
}

func bound(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func wantSent(t *testing.T, h *held, alone int, batches ...int) {
	t.Helper()
	synctest.Wait()
	if a, b := h.sent(); a != alone || !slices.Equal(b, batches) {
		t.Errorf("%d commands were sent alone and batches of %v; want %d and %v", a, b, alone, batches)
	}
}

// oneEach are the batches of fill, and more.
func oneEach(more ...int) []int { return append(slices.Repeat([]int{1}, maxRunners), more...) }

func TestFewCallersGoAloneAndWhatComesWhileBatchesAreUnderWayGoesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := newHeld()
		ctx := bound(t, time.Second)
		_, filled := fill(ctx, c)
		wantSent(t, h, maxAlone, oneEach()...)
		var all sync.WaitGroup
		for range maxTogether + 3 {
			all.Go(func() {
				if err := c.do(ctx, newInt(ctx, "incr", "key")); err != nil {
					t.Error(err)
				}
			})
		}
		wantSent(t, h, maxAlone, oneEach()...)
		h.letGo()
		filled()
		all.Wait()
		wantSent(t, h, maxAlone, oneEach(3, maxTogether)...)
		if c.runners != 0 || c.alone != 0 || len(c.waiting) != 0 {
			t.Errorf("%d runners, %d commands under way and %d batches are left", c.runners, c.alone, len(c.waiting))
		}
		if err := c.do(ctx, newInt(ctx, "incr", "key")); err != nil {
			t.Error(err)
		}
		wantSent(t, h, maxAlone+1, oneEach(3, maxTogether)...)
	})
}

func TestACommandOfABatchHasItsOwnReplyAndItsOwnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := newHeld()
		wrong := errors.New("WRONGTYPE")
		h.answer = func(cmd redis.Cmder) error {
			i := cmd.Args()[1]
			switch i {
			case 1:
				return redis.Nil
			case 2:
				return wrong
			}
			if n, ok := cmd.(intCmd); ok {
				n.SetVal(10)
			}
			return nil
		}
		ctx := bound(t, time.Second)
		_, filled := fill(ctx, c)
		var all sync.WaitGroup
		for i, want := range []error{nil, redis.Nil, wrong, nil} {
			all.Go(func() {
				cmd := newInt(ctx, "incr", i)
				if err := c.do(ctx, cmd); err != want {
					t.Errorf("command %d has the error %v; want %v", i, err, want)
				}
				if want == nil && cmd.Val() != 10 {
					t.Errorf("command %d has the reply %d; want 10", i, cmd.Val())
				}
			})
		}
		synctest.Wait()
		h.letGo()
		filled()
		all.Wait()
	})
}

func TestACommandThatWaitsIsNotSentWhereItsCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := newHeld()
		_, filled := fill(bound(t, time.Minute), c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		var all sync.WaitGroup
		all.Go(func() {
			if err := c.do(ctx, newInt(ctx, "incr", "left")); !errors.Is(err, context.Canceled) {
				t.Errorf("the error is %v; want context.Canceled", err)
			}
		})
		synctest.Wait()
		stays := bound(t, time.Minute)
		all.Go(func() {
			if err := c.do(stays, newInt(stays, "incr", "stays")); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		h.letGo()
		filled()
		all.Wait()
		wantSent(t, h, maxAlone, oneEach(1)...)
		if key := h.batches[maxRunners][0].Args()[1]; key != "stays" {
			t.Errorf("the command of %q was sent", key)
		}
	})
}

func TestABatchThatAllHaveLeftIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := newHeld()
		_, filled := fill(bound(t, time.Minute), c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		var left sync.WaitGroup
		for range 3 {
			left.Go(func() { _ = c.do(ctx, newInt(ctx, "incr", "key")) })
		}
		synctest.Wait()
		cancel()
		left.Wait()
		h.letGo()
		filled()
		wantSent(t, h, maxAlone, oneEach()...)
	})
}

func TestACallerWhoseCommandIsBeingSentStaysUntilTheBatchIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := newHeld()
		_, filled := fill(bound(t, time.Minute), c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		returned := make(chan error)
		c.mu.Lock() // another runner would take the command at once
		c.runners--
		c.mu.Unlock()
		go func() { returned <- c.do(ctx, newInt(ctx, "incr", "key")) }()
		wantSent(t, h, maxAlone, oneEach(1)...)
		cancel()
		synctest.Wait()
		select {
		case err := <-returned:
			t.Errorf("do has returned %v while the command was being sent", err)
		default:
		}
		c.mu.Lock()
		c.runners++
		c.mu.Unlock()
		h.letGo()
		if err := <-returned; err != nil {
			t.Errorf("the error is %v, though the command was executed", err)
		}
		filled()
	})
}

func TestNoCommandOutlivesItsContextNorIsCutShortByMoreThanTheSpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = time.Second // the server never answers
		h, c := newHeld()
		var all sync.WaitGroup
		for range 500 {
			all.Go(func() {
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				err := c.do(ctx, newInt(ctx, "incr", "key"))
				took := time.Since(began)
				if !errors.Is(err, context.DeadlineExceeded) || took > timeout || took < timeout-c.span {
					t.Errorf("a command ended after %v with %v; want %v, or %v less, and context.DeadlineExceeded", took, err, timeout, c.span)
				}
			})
			<-time.After(timeout / 100)
		}
		all.Wait()
		for i, b := range h.batches {
			for _, cmd := range b {
				if !errors.Is(cmd.Err(), context.DeadlineExceeded) {
					t.Errorf("a command of batch %d has the error %v", i, cmd.Err())
				}
			}
		}
		wantIdle(t, c)
	})
}

func TestACommandThatMustEndBeforeOthersGoesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := newHeld()
		long, short := bound(t, time.Minute), bound(t, time.Second)
		_, filled := fill(long, c)
		var all sync.WaitGroup
		all.Go(func() { _ = c.do(long, newInt(long, "incr", "key")) })
		synctest.Wait()
		began := time.Now()
		if err := c.do(short, newInt(short, "incr", "key")); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("it ended after %v with %v", time.Since(began), err)
		}
		wantSent(t, h, maxAlone+1, oneEach()...)
		h.letGo()
		filled()
		all.Wait()
	})
}

func TestACommandWithoutADeadlineGoesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := newHeld()
		_, filled := fill(bound(t, time.Minute), c)
		var all sync.WaitGroup
		all.Go(func() { _ = c.do(t.Context(), newInt(t.Context(), "incr", "key")) })
		wantSent(t, h, maxAlone+1, oneEach()...)
		h.letGo()
		filled()
		all.Wait()
	})
}

func TestWhereTheConnectionBreaksEveryCallerOfTheBatchGetsTheError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := newHeld()
		h.answer = func(redis.Cmder) error { return io.EOF }
		ctx := bound(t, time.Minute)
		errs, filled := fill(ctx, c)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if err := c.do(ctx, newInt(ctx, "incr", "key")); !errors.Is(err, io.EOF) {
					t.Errorf("the error is %v; want EOF", err)
				}
			})
		}
		synctest.Wait()
		h.letGo()
		filled()
		all.Wait()
		for _, err := range errs {
			if !errors.Is(err, io.EOF) {
				t.Errorf("the error is %v; want EOF", err)
			}
		}
		wantIdle(t, c)
	})
}

func TestWhereTheServerRefusesTheConnectionEveryCallerOfTheBatchGetsTheError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := newHeld()
		refusal := errors.New("WRONGPASS")
		c.pipeline = func(ctx context.Context, cmds []redis.Cmder) error {
			_ = h.together(ctx, cmds)
			return refusal // and no command has it
		}
		ctx := bound(t, time.Minute)
		errs, filled := fill(ctx, c)
		h.letGo()
		filled()
		for i, err := range errs {
			if want := map[bool]error{true: refusal}[i >= maxAlone]; err != want {
				t.Errorf("command %d has the error %v; want %v", i, err, want)
			}
		}
		wantIdle(t, c)
	})
}

func TestCloseWaitsForTheBatchesThatWaitAndLaterCommandsGoAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := newHeld()
		ctx := bound(t, time.Minute)
		_, filled := fill(ctx, c)
		var all sync.WaitGroup
		all.Go(func() {
			if err := c.do(ctx, newInt(ctx, "incr", "key")); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		closed := make(chan struct{})
		go func() { c.close(); close(closed) }()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("close has returned before the batches")
		default:
		}
		all.Go(func() { _ = c.do(ctx, newInt(ctx, "incr", "key")) })
		wantSent(t, h, maxAlone+1, oneEach()...)
		h.letGo()
		filled()
		all.Wait()
		<-closed
		wantSent(t, h, maxAlone+1, oneEach(1)...)
		c.close()
	})
}

func TestManyCallersWhoComeAndLeaveAtAnyTimeGetEachTheirOwn(t *testing.T) {
	var mu sync.Mutex
	sent := make(map[int]int)
	answer := func(cmd redis.Cmder) {
		n := cmd.Args()[1].(int)
		mu.Lock()
		sent[n]++
		mu.Unlock()
		cmd.(intCmd).SetVal(int64(n))
	}
	c := &coalescer{
		span: time.Second,
		direct: func(_ context.Context, cmd redis.Cmder) error {
			answer(cmd)
			return nil
		},
		pipeline: func(_ context.Context, cmds []redis.Cmder) error {
			for _, cmd := range cmds {
				answer(cmd)
			}
			return nil
		},
	}
	const callers, each = 64, 200
	refused := make([]map[int]bool, callers)
	var all sync.WaitGroup
	for i := range callers {
		refused[i] = make(map[int]bool)
		all.Go(func() {
			for j := range each {
				n := i*each + j
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				if n%3 == 0 {
					go cancel()
				}
				cmd := newInt(ctx, "echo", n)
				switch err := c.do(ctx, cmd); {
				case errors.Is(err, context.Canceled):
					refused[i][n] = true
				case err != nil || cmd.Val() != int64(n):
					t.Errorf("command %d has the reply %d and the error %v", n, cmd.Val(), err)
				}
				cancel()
			}
		})
	}
	all.Wait()
	c.close()
	for i := range callers {
		for j := range each {
			n := i*each + j
			if want := map[bool]int{true: 0, false: 1}[refused[i][n]]; sent[n] != want {
				t.Errorf("command %d was sent %d times; want %d", n, sent[n], want)
			}
		}
	}
}

func wantIdle(t *testing.T, c *coalescer) {
	t.Helper()
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runners != 0 || c.alone != 0 || len(c.waiting) != 0 {
		t.Errorf("%d runners, %d commands under way and %d batches are left", c.runners, c.alone, len(c.waiting))
	}
}
