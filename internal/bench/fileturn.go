package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// fileGroup are stores that take part in one line of the table, each in a directory of its own.
type fileGroup struct {
	dir       string
	libraries []fileLibrary
	stores    []fileStore
}

// fillFiles opens a store of each library that has the entries, below a new directory among the system's temporary ones.
func fillFiles(ctx context.Context, libraries []fileLibrary, d durability, keys []string, value []byte) (*fileGroup, error) {
	dir, err := os.MkdirTemp("", "larder-bench-")
	if err != nil {
		return nil, err
	}
	g := &fileGroup{dir: dir, libraries: libraries}
	for _, l := range libraries {
		s, err := l.filled(ctx, g.path(l), d, keys, value)
		if err != nil {
			return nil, errors.Join(err, g.close())
		}
		g.stores = append(g.stores, s)
	}
	return g, nil
}

func (g *fileGroup) path(l fileLibrary) string { return filepath.Join(g.dir, l.name) }

// close closes the stores and removes what they have.
func (g *fileGroup) close() error {
	var err error
	for _, s := range g.stores {
		err = errors.Join(err, s.close())
	}
	return errors.Join(err, os.RemoveAll(g.dir))
}

// contenders are the stores, each doing the same.
func (g *fileGroup) contenders(do func(ctx context.Context, s fileStore, goroutine, call int) error) []contender {
	var all []contender
	for i, l := range g.libraries {
		s := g.stores[i]
		all = append(all, contender{l.name, func(ctx context.Context, goroutine, call int) error { return do(ctx, s, goroutine, call) }})
	}
	return all
}

// takeTimes lets the libraries take turns and returns what each turn took, in seconds, by the turn's own watch. The first of each warms up and does not count.
func (g *fileGroup) takeTimes(ctx context.Context, rounds int, turn func(round, n int) (time.Duration, error)) ([]series, error) {
	taken := make([]series, len(g.libraries))
	for i, l := range g.libraries {
		taken[i].name = l.name
	}
	for round := range 1 + rounds {
		for i := range g.libraries {
			k := (round + i) % len(g.libraries)
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			took, err := turn(round, k)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", g.libraries[k].name, err)
			}
			if round > 0 {
				taken[k].add(took.Seconds())
			}
		}
	}
	return taken, nil
}

// timesAsFastAs are the lines that compare the first with each of the others.
func timesAsFastAs(what string, taken []series, unit func(float64) string) (results []result) {
	for _, base := range taken[1:] {
		results = append(results, result{what: what + ": times as fast", base: base, measured: taken[0], unit: unit, inverse: true})
	}
	return results
}

// sizeName is a number of bytes as people write it.
func sizeName(size int) string {
	switch {
	case size >= 1<<20 && size%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", size>>20)
	case size >= 1<<10 && size%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", size>>10)
	}
	return fmt.Sprintf("%d B", size)
}
