package cache_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// outrun is a store in which others are always faster: whatever was read has changed when it is compared.
type outrun struct{ cache.Store }

func (outrun) CompareAndSwap(context.Context, string, []byte, []byte, time.Duration) (bool, error) {
	return false, nil
}
func (outrun) CompareAndDelete(context.Context, string, []byte) (bool, error) { return false, nil }
func (outrun) Add(context.Context, string, []byte, time.Duration) (bool, error) {
	return false, nil
}

func TestWhatOthersAlwaysOutrunGivesUp(t *testing.T) {
	s := newShelf()
	s.put("key", "1", time.Hour)
	c, err := cache.New(outrun{bare(s)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, increment := c.Increment(t.Context(), "key", 1, time.Hour)
	_, touch := c.Touch(t.Context(), "key", time.Hour)
	_, deleting := c.Touch(t.Context(), "key", 0)
	keep := c.Set(t.Context(), "absent", nil, cache.KeepTTL)
	for name, err := range map[string]error{"Increment": increment, "Touch": touch, "Touch that deletes": deleting, "Set with KeepTTL": keep} {
		if !errors.Is(err, cache.ErrUnavailable) || !strings.Contains(errText(err), "100 times in a row") {
			t.Errorf("%s: %v; want ErrUnavailable after 100 tries", name, err)
		}
	}
}

// deadSet is a store that is down for Set and Add, and notes what it is told to delete.
type deadSet struct {
	*recorder
	deleted []string
}

func (d *deadSet) Set(context.Context, string, []byte, time.Duration) error {
	return cache.ErrUnavailable
}

func (d *deadSet) Add(context.Context, string, []byte, time.Duration) (bool, error) {
	return false, cache.ErrUnavailable
}

func (d *deadSet) DeleteMany(_ context.Context, keys []string) error {
	d.deleted = append(d.deleted, keys...)
	return cache.ErrUnavailable
}

func TestWhatSetManyWithKeepTTLDoesNotReachIsDeleted(t *testing.T) {
	s := &deadSet{recorder: &recorder{}}
	c, err := cache.New(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = c.SetMany(t.Context(), map[string][]byte{"a": nil, "b": nil, "c": nil}, cache.KeepTTL)
	if !errors.Is(err, cache.ErrUnavailable) || len(s.deleted) != 2 {
		t.Errorf("SetMany: %v, and %q were deleted; want ErrUnavailable, and the two that were not tried", err, s.deleted)
	}
}

func TestAnEmptyValueAppendedToNothingIsNotNil(t *testing.T) {
	s := newShelf()
	s.put("key", "", time.Hour)
	c, err := cache.New(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if value, found, err := c.GetAppend(t.Context(), nil, "key"); value == nil || !found || err != nil {
		t.Errorf("GetAppend = %v, %t, %v; want an empty value that is not nil", value, found, err)
	}
	if value, found, err := c.GetAppend(t.Context(), nil, "absent"); value != nil || found || err != nil {
		t.Errorf("GetAppend of an absent key = %v, %t, %v; want the nil that it was given", value, found, err)
	}
}
