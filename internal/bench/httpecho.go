package main

import (
	"context"
	"errors"
	"fmt"
)

// httpShare is what a hit is to do at least: that share of the requests a second of what it is compared with.
const httpShare = 0.9

// httpEcho compares hits of the cache in Echo with the same Echo without it, whose handler has the bytes at hand.
func httpEcho(ctx context.Context, b *bench) (results []result, err error) {
	w, err := b.wrk(ctx)
	if err != nil {
		return nil, err
	}
	var contenders []httpContender
	for _, kind := range []string{httpBare, httpCached} {
		s, err := startSite(ctx, kind)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, s.stop()) }()
		contenders = append(contenders, s.contender())
	}
	for _, size := range httpSizes() {
		what := "a hit through Echo, " + kibibytes(size)
		b.logf("%s", what)
		scores, err := b.raceHTTP(ctx, w, size, contenders)
		if err != nil {
			return nil, err
		}
		results = append(results, scores[1].results(what, scores[0], httpShare)...)
	}
	return results, nil
}

// siteProcess is a site in a process of its own.
type siteProcess struct {
	child *child
	kind  string
	httpState
}

func startSite(ctx context.Context, kind string) (*siteProcess, error) {
	c, err := startChild(ctx, kind, httpCommand, httpServing{kind})
	if err != nil {
		return nil, err
	}
	s := &siteProcess{child: c, kind: kind}
	if _, err := s.responsesMade(); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// responsesMade is how many its handler has made, not its cache.
func (s *siteProcess) responsesMade() (int64, error) {
	err := s.child.ask(&s.httpState)
	return s.Made, err
}

func (s *siteProcess) contender() httpContender {
	c := httpContender{name: "Echo", address: s.Address, process: s.child.cmd.Process.Pid}
	switch s.kind {
	case httpCached:
		c.name, c.made = "Echo and httpcache", s.responsesMade
	case httpOrigin:
		c.name = "net/http"
	}
	return c
}

func (s *siteProcess) stop() error { return s.child.stop() }

// wrk returns the load generator, and has the table name it.
func (b *bench) wrk(ctx context.Context) (wrk, error) {
	w, err := findWrk()
	if err == nil {
		b.note(fmt.Sprintf("Load: %s, %d connections", w.version(ctx), b.scale.goroutines))
	}
	return w, err
}
