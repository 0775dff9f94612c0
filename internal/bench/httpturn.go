package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// httpMisses is the share of a turn's requests that may be no hits.
const httpMisses = 0.001

// An httpContender is a server in a process of its own.
type httpContender struct {
	name    string
	address string
	process int // whose processor time is its own, with those that it has started

	// made is how many responses were made that are to come from its cache. nil: it has none.
	made func() (int64, error)
}

// httpScore is what one of them came to, one value for each round.
type httpScore struct {
	requests  series // a second
	processor series // nanoseconds of the server's a request; 0 where the system does not tell
}

// raceHTTP lets wrk ask the contenders in turn for the body of that length. The first turn of each warms up and does not count; who begins changes from round
// to round. It fails if one gives other bytes, or gives what does not come from the cache that it has, but for the few that a cache passes on where
// the machine is so busy that its store does not answer in time.
func (b *bench) raceHTTP(ctx context.Context, w wrk, size int, contenders []httpContender) ([]httpScore, error) {
	all := make([]httpScore, len(contenders))
	for i, c := range contenders {
		all[i] = httpScore{series{name: c.name}, series{name: c.name}}
		if err := c.check(ctx, size); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	for round := range 1 + b.scale.rounds {
		for i := range contenders {
			k := (round + i) % len(contenders)
			l, took, err := contenders[k].turn(ctx, w, b.scale, size)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", contenders[k].name, err)
			}
			if round > 0 {
				all[k].requests.add(l.perSecond)
				all[k].processor.add(float64(took) / l.requests)
			}
		}
	}
	return all, nil
}

// turn returns what wrk counted, and how long the server ran for it: 0 where the system does not tell.
func (c httpContender) turn(ctx context.Context, w wrk, s scale, size int) (l load, took time.Duration, err error) {
	before, err := c.responsesMade()
	if err != nil {
		return l, 0, err
	}
	began, unknown := processorTime(c.process)
	if l, err = w.load(ctx, s.goroutines, s.round, "http://"+c.address+httpPath(size)); err != nil {
		return l, 0, err
	}
	if unknown == nil {
		var ended time.Duration
		ended, unknown = processorTime(c.process)
		took = ended - began
	}
	if unknown != nil && !errors.Is(unknown, errors.ErrUnsupported) {
		return l, 0, unknown
	}
	after, err := c.responsesMade()
	if missed := float64(after - before); err == nil && missed > l.requests*httpMisses {
		err = fmt.Errorf("%d of %.0f requests were no hits", after-before, l.requests)
	}
	return l, took, err
}

func (c httpContender) responsesMade() (int64, error) {
	if c.made == nil {
		return 0, nil
	}
	return c.made()
}

// check asks once for the body, so that it is in the cache where there is one, and once more to compare it.
func (c httpContender) check(ctx context.Context, size int) error {
	for range 2 {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.address+httpPath(size), http.NoBody)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK || response.ContentLength != int64(size) || !bytes.Equal(body, entryValue(size)) {
			return fmt.Errorf("%s: %s with a length of %d and %d bytes; want 200 with %d, those of the handler",
				r.URL, response.Status, response.ContentLength, len(body), size)
		}
	}
	return nil
}

// results are the lines of a race: own is to have a share of what the base does.
func (own httpScore) results(what string, base httpScore, share float64) []result {
	lines := []result{{what: what, base: base.requests, measured: own.requests, unit: perSecond, target: target{ratioAtLeast, share}}}
	if slices.Min(base.processor.values) > 0 && slices.Min(own.processor.values) > 0 {
		lines = append(lines, result{what: what + ": processor time a request", base: base.processor, measured: own.processor, unit: microNano})
	}
	return lines
}

// kibibytes names a body.
func kibibytes(size int) string { return fmt.Sprintf("%d KiB", size>>10) }
