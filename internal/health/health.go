package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/heptiolabs/healthcheck"
)

const (
	defaultInterval = 2 * time.Second
	defaultTimeout  = 2 * time.Second

	// stateCheck is the name under which Options.State is registered. No check can have it.
	stateCheck = "state"
)

// Options say how a [Health] runs its checks and answers probes. The zero value is valid.
type Options struct {
	// Interval is the time from the end of a run that succeeded to the next run, shortened by up to a tenth at random so
	// that the instances of a service do not check in step. Zero or less: 2 s.
	Interval time.Duration

	// Details adds the result of every check to the answer of the readiness probe. Keep it off where strangers can probe.
	Details bool

	// State is asked at each readiness probe, before any check counts. A nil error means ready; else its text, which is
	// shown to whoever probes, says why not: "starting", "draining". It must not block. Nil: always ready.
	State func() error

	// Fail writes the answer of a readiness probe that failed: status 503, and a body that r does not ask for (HEAD) is
	// dropped. Detail is one line for a person. Checks maps each check's name to "ok" or "failed: …"; it is nil without
	// Details. Nil: a JSON object in the shape of the other answers.
	Fail func(w http.ResponseWriter, r *http.Request, detail string, checks map[string]string)

	// Logger gets one line when a check turns to failing and one when it is back. Nil: nothing is logged.
	Logger *slog.Logger
}

// Result is what is known of one check.
type Result struct {
	Name    string
	Err     error     // nil: healthy. Its text has been through [Safe]; it wraps nothing
	At      time.Time // when the last run ended, or was given up at its timeout; zero before the first
	Degrade bool      // as in [Check]
}

// Health runs checks in the background and answers probes from their last results.
// Make it with [New]; its methods can be called from several goroutines at once.
type Health struct {
	options Options
	probes  healthcheck.Handler

	mu      sync.Mutex
	runners []*runner
	cancel  context.CancelFunc // nil until started
	stopped bool
}

// New returns a Health without checks. It starts nothing; until [Health.Start] the checks that are added fail readiness
// with "not checked yet".
func New(o Options) *Health {
	if o.Interval <= 0 {
		o.Interval = defaultInterval
	}
	if o.Fail == nil {
		o.Fail = fail
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Health{options: o, probes: healthcheck.NewHandler()}
	if o.State != nil {
		h.probes.AddReadinessCheck(stateCheck, h.state)
	}
	return h
}

// Add registers a check. It is an error if the check has no Run, a negative timeout, a name that is not 1 to 80 letters,
// digits, '-', '_' or '.', or the name of another check, and after [Health.Start] or [Health.Stop].
func (h *Health) Add(c Check) error {
	if !validName(c.Name) || c.Name == stateCheck {
		return fmt.Errorf("health: add check %q: the name must be 1 to 80 letters, digits, '-', '_' or '.', and not %q", c.Name, stateCheck)
	}
	if c.Run == nil {
		return fmt.Errorf("health: add check %q: it has no Run function", c.Name)
	}
	if c.Timeout < 0 {
		return fmt.Errorf("health: add check %q: the timeout %v is negative", c.Name, c.Timeout)
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cancel != nil || h.stopped {
		return fmt.Errorf("health: add check %q: the checks have been started or stopped already", c.Name)
	}
	for _, other := range h.runners {
		if other.check.Name == c.Name {
			return fmt.Errorf("health: add check %q: there is a check of that name", c.Name)
		}
	}
	r := &runner{check: c, interval: h.options.Interval, logger: h.options.Logger, first: make(chan struct{}), done: make(chan struct{})}
	h.runners = append(h.runners, r)
	h.probes.AddReadinessCheck(c.Name, r.Last)
	return nil
}

// Start starts a runner per check and returns when each has its first result, whatever that is, or when ctx is done: so the
// first probe does not find a check that nobody has made yet. The runners end with [Health.Stop], not with ctx. A second Start and
// one after Stop are errors, and so is a ctx that was done before.
func (h *Health) Start(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("health: start: %w", err)
	}
	runners, err := h.start(ctx)
	if err != nil {
		return err
	}
	for _, r := range runners {
		select {
		case <-r.first:
		case <-r.done: // Stop was faster
		case <-ctx.Done():
		}
	}
	return nil
}

func (h *Health) start(ctx context.Context) ([]*runner, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cancel != nil || h.stopped {
		return nil, errors.New("health: start: the checks have been started or stopped already")
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h.cancel = cancel
	for _, r := range h.runners {
		go r.loop(running)
	}
	return h.runners, nil
}

// Stop cancels the runs in flight and waits until every runner has ended, or ctx is done; then the error names a check that
// is still running. Another Stop waits again. Without a Start there is nothing to wait for.
func (h *Health) Stop(ctx context.Context) error {
	h.mu.Lock()
	h.stopped = true
	cancel := h.cancel
	runners := h.runners
	h.mu.Unlock()
	if cancel == nil {
		return nil
	}
	cancel()
	for _, r := range runners {
		select {
		case <-r.done:
		case <-ctx.Done():
			return fmt.Errorf("health: stop: check %q is still running: %w", r.check.Name, context.Cause(ctx))
		}
	}
	return nil
}

// Results returns what is known of each check, in the order in which they were added. The slice is the caller's.
func (h *Health) Results() []Result {
	h.mu.Lock()
	runners := h.runners
	h.mu.Unlock()
	results := make([]Result, 0, len(runners))
	for _, r := range runners {
		results = append(results, r.result())
	}
	return results
}

func (h *Health) state() error {
	if err := h.options.State(); err != nil {
		return errors.New(failedPrefix + reason(err))
	}
	return nil
}

// validName keeps names to what is at once a JSON key, a metric label and an HTTP field name (RFC 9110, section 5.1).
func validName(name string) bool {
	for _, c := range []byte(name) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return 1 <= len(name) && len(name) <= 80
}
