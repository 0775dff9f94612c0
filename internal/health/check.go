package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// retryAfter bounds the time to the next run after a failure, so that a long interval does not delay the return.
const retryAfter = time.Second

// failedPrefix begins the text of every failure that a probe sees. Without it a check whose error reads "OK" would pass
// for healthy, since that is the word healthcheck uses.
const failedPrefix = "failed: "

// Check is one thing that readiness depends on.
type Check struct {
	// Name is shown in the details and in metrics: 1 to 80 letters, digits, '-', '_' or '.'; "state" is taken.
	Name string

	// Run tells whether the dependency is there. It is never called again before it has returned. A panic is a failure.
	Run func(context.Context) error

	// Timeout ends the context of a run. A run that has not returned by then is a failure, whatever it returns later.
	// Zero: 2 s. With more than 4 s the way back to readiness can take longer than 5 s.
	Timeout time.Duration

	// Degrade makes a failure of this check degrade the service instead of taking it out: the probe answers 200, with the
	// header "<Name>: degraded".
	Degrade bool
}

// runner runs one check on one goroutine, so that a check that hangs holds that goroutine and no other.
type runner struct {
	check    Check
	interval time.Duration
	logger   *slog.Logger
	first    chan struct{} // closed when there is a first result
	done     chan struct{} // closed when loop has ended

	mu           sync.Mutex
	failure      string    // of the last result; "" is healthy
	at           time.Time // of the last result; zero: none yet
	failingSince time.Time // zero: not failing
}

// Last reads the last result; it runs nothing. It is what healthcheck knows of this check.
func (r *runner) Last() error {
	if failure, _ := r.last(); failure != "" {
		return errors.New(failedPrefix + failure)
	}
	return nil
}

func (r *runner) last() (failure string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.at.IsZero():
		return "not checked yet", r.at
	case r.failure == "" && time.Since(r.at) > 3*r.interval+r.check.Timeout:
		return "no result since " + r.at.UTC().Format(time.RFC3339), r.at
	}
	return r.failure, r.at
}

func (r *runner) result() Result {
	failure, at := r.last()
	result := Result{Name: r.check.Name, At: at, Degrade: r.check.Degrade}
	if failure != "" {
		result.Err = errors.New(failure)
	}
	return result
}

func (r *runner) loop(ctx context.Context) {
	defer close(r.done)
	for {
		healthy := r.run(ctx)
		pause := r.interval
		if !healthy {
			pause = min(pause, retryAfter)
		}
		// The jitter only shortens: the interval is a promise about how soon a failure is noticed.
		pause -= rand.N(pause/10 + 1)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// run runs the check once and returns when it has returned, though the failure is known from the timeout on.
func (r *runner) run(ctx context.Context) (healthy bool) {
	runCtx, cancel := context.WithTimeout(ctx, r.check.Timeout)
	defer cancel()
	giveUp := func() {
		if ctx.Err() == nil { // else we are stopping: the dependency is not to blame
			r.record(fmt.Sprintf("no answer within %v", r.check.Timeout))
		}
	}
	givenUp := make(chan struct{})
	cancelGiveUp := context.AfterFunc(runCtx, func() {
		defer close(givenUp)
		giveUp()
	})
	returned := false
	defer func() {
		// Only runtime.Goexit skips the assignment below; it ends this goroutine, so nothing else would ever be recorded.
		if !returned {
			cancelGiveUp()
			r.record("the check ended its goroutine and is not run again")
		}
	}()
	failure := call(runCtx, r.check.Run)
	returned = true
	if !cancelGiveUp() {
		<-givenUp // else the record of the next run could come before this one's
		return false
	}
	if runCtx.Err() != nil { // the context is done a moment before its functions are called
		giveUp()
		return false
	}
	r.record(failure)
	return failure == ""
}

// call returns why the check failed, or "".
func call(ctx context.Context, check func(context.Context) error) (failure string) {
	defer func() {
		if p := recover(); p != nil {
			failure = "panic: " + Safe(fmt.Sprint(p))
		}
	}()
	if err := check(ctx); err != nil {
		return reason(err)
	}
	return ""
}

func (r *runner) record(failure string) {
	now := time.Now()
	r.mu.Lock()
	if r.at.IsZero() {
		close(r.first)
	}
	r.failure, r.at = failure, now
	since := r.failingSince
	switch {
	case failure == "":
		r.failingSince = time.Time{}
	case since.IsZero():
		r.failingSince = now
	}
	r.mu.Unlock()
	switch {
	case failure != "" && since.IsZero():
		r.logger.Warn("health check is failing", "check", r.check.Name, "reason", failure, "degrade", r.check.Degrade)
	case failure == "" && !since.IsZero():
		r.logger.Info("health check is back", "check", r.check.Name, "failed_for", now.Sub(since))
	}
}
