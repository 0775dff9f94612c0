package cachetest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/cache/memstore"
)

func TestCheckAcceptsAStoreWithEveryCapability(t *testing.T) {
	if err := cachetest.Check(t.Context(), func() (cache.Store, error) { return memstore.New(nil) }); err != nil {
		t.Error(err)
	}
}

// empties stores every value as if it were empty.
type empties struct{ *Shelf }

func (e empties) Set(ctx context.Context, key string, _ []byte, ttl time.Duration) error {
	return e.Shelf.Set(ctx, key, nil, ttl)
}

func TestCheckNamesEveryCaseThatFailsWithItsRule(t *testing.T) {
	err := cachetest.Check(t.Context(), func() (cache.Store, error) { return empties{NewShelf()}, nil })
	for _, want := range []string{
		"cachetest: a value is kept byte for byte: ", "the rule: a value is opaque bytes",
		"cachetest: Set replaces the value: ", "the rule: overwrite replaces value and lifetime",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check = %v\nwant %q in it", err, want)
		}
	}
}

// panics panics at every Set.
type panics struct{ *Shelf }

func (p panics) Set(context.Context, string, []byte, time.Duration) error { panic("no room") }

func TestCheckSurvivesAStoreThatPanics(t *testing.T) {
	err := cachetest.Check(t.Context(), func() (cache.Store, error) { return panics{NewShelf()}, nil })
	if err == nil || !strings.Contains(err.Error(), "the store panicked: no room") {
		t.Errorf("Check = %v; want it to say that the store panicked", err)
	}
}

func TestCheckReturnsTheErrorOfOpen(t *testing.T) {
	sold := errors.New("sold out")
	if err := cachetest.Check(t.Context(), func() (cache.Store, error) { return nil, sold }); !errors.Is(err, sold) {
		t.Errorf("Check = %v; want %v", err, sold)
	}
	n := 0
	err := cachetest.Check(t.Context(), func() (cache.Store, error) {
		if n++; n > 5 {
			return nil, sold
		}
		return NewShelf(), nil
	})
	if err == nil || !strings.Contains(err.Error(), "open: sold out") {
		t.Errorf("Check = %v; want it to say that open failed", err)
	}
}

func TestCheckSaysThatItWasCutShort(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := cachetest.Check(ctx, func() (cache.Store, error) {
		if n++; n == 10 {
			cancel()
		}
		return NewShelf(), nil
	})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "not all cases were run") {
		t.Errorf("Check = %v; want context.Canceled", err)
	}
	if n > 11 {
		t.Errorf("%d stores were opened; want none after the context had ended", n)
	}
}
