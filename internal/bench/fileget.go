package main

import (
	"context"
	"errors"
	"fmt"
)

// fileGet compares Gets of entries that the system has in memory, for filestore of those it has mapped, with the same reads of others. The first read of an
// entry, when its file has to be opened, is compared with reading a file by nothing but the standard library.
func fileGet(ctx context.Context, b *bench) ([]result, error) {
	var results []result
	for _, size := range []int{1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20} {
		more, err := b.fileGets(ctx, size)
		if err != nil {
			return nil, err
		}
		results = append(results, more...)
	}
	return results, nil
}

// fileGets compares Gets of values of that size.
func (b *bench) fileGets(ctx context.Context, size int) (results []result, err error) {
	keys, value := entryKeys("", max(1, min(b.scale.keys, b.scale.fileBytes/size))), entryValue(size)
	what := "Get, " + sizeName(size)
	b.logf("%s, %s entries", what, group(float64(len(keys))))
	g, err := fillFiles(ctx, fileLibraries(), durableNone, keys, value)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	get := func(ctx context.Context, s fileStore, key string) error {
		read, err := s.get(ctx, key)
		if err == nil && len(read) != size {
			err = fmt.Errorf("%d bytes; want %d", len(read), size)
		}
		return err
	}
	// One after the other, for filestore maps a file that it reads again before very many others. The third read is the first of those in memory.
	for i, s := range g.stores {
		for n := range 3 * len(keys) {
			if err := get(ctx, s, keys[n/3]); err != nil {
				return nil, fmt.Errorf("%s: %w", g.libraries[i].name, err)
			}
		}
	}
	contenders := g.contenders(func(ctx context.Context, s fileStore, goroutine, call int) error {
		return get(ctx, s, keys[entryIndex(goroutine, call, len(keys))])
	})
	first, err := firstReads(g, keys, get)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, first.close()) }()
	s := b.scale
	s.goroutines = 1
	f, err := s.race(ctx, append(contenders, first.contender())...)
	if err != nil {
		return nil, err
	}
	results = append(fileGetLines(what, f), result{what: what + ", first read", base: f[3].calls, measured: f[4].calls, unit: perSecond})
	if size > 1<<10 {
		return results, nil
	}
	s.goroutines = 2
	what += ", goroutines: 2"
	b.logf("%s", what)
	if f, err = s.race(ctx, contenders...); err != nil {
		return nil, err
	}
	return append(results, fileGetLines(what, f)...), nil
}

func fileGetLines(what string, f []throughput) (results []result) {
	for _, base := range f[1:4] {
		r := result{what: what, base: base.calls, measured: f[0].calls, unit: perSecond}
		if base.calls.name == nameBbolt {
			r.target = target{ratioAtLeast, 1}
		}
		results = append(results, r)
	}
	return append(results, result{what: what + ": allocations a call", base: f[1].allocations, measured: f[0].allocations, unit: decimal})
}

// freshStore is filestore that has mapped no entry: it is opened anew when each was read once.
type freshStore struct {
	dir   string
	store fileStore
	keys  []string
	get   func(ctx context.Context, s fileStore, key string) error
}

func firstReads(g *fileGroup, keys []string, get func(ctx context.Context, s fileStore, key string) error) (*freshStore, error) {
	dir := g.path(g.libraries[0])
	s, err := openFilestore(dir, durableNone)
	if err != nil {
		return nil, err
	}
	return &freshStore{dir, s, keys, get}, nil
}

func (f *freshStore) contender() contender {
	return contender{nameFilestore + ", first read", func(ctx context.Context, goroutine, call int) error {
		if call%len(f.keys) == 0 {
			s, err := openFilestore(f.dir, durableNone)
			if err != nil {
				return err
			}
			if err := f.close(); err != nil {
				return errors.Join(err, s.close())
			}
			f.store = s
		}
		return f.get(ctx, f.store, f.keys[entryIndex(goroutine, call, len(f.keys))])
	}}
}

func (f *freshStore) close() error { return f.store.close() }
