package cachetest

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
)

func valueCases() []testCase {
	return []testCase{
		{name: "a miss is no error", rule: "found is false, the error nil", run: func(k *kit) {
			k.wantMiss(k.cache(), "absent")
		}},
		{name: "an empty value is present", rule: "an empty value is present, distinct from a miss, non-nil", run: func(k *kit) {
			c := k.cache()
			k.set(c, "empty", "", cache.DefaultTTL)
			k.want(c, "empty", "")
		}},
		{name: "nil is stored as empty", rule: "nil is stored as empty", run: func(k *kit) {
			c := k.cache()
			if err := c.Set(k.ctx(), "nil", nil, cache.DefaultTTL); err != nil {
				k.must("the operation", err)
			}
			k.want(c, "nil", "")
		}},
		{name: "a value is kept byte for byte", rule: "a value is opaque bytes", run: func(k *kit) {
			c := k.cache()
			all := make([]byte, 256)
			for i := range all {
				all[i] = byte(i)
			}
			k.set(c, "bytes", string(all), cache.DefaultTTL)
			k.want(c, "bytes", string(all))
		}},
		{name: "a megabyte is kept whole", rule: "up to 64 MiB, or what the store can hold; above it ErrTooLarge", run: func(k *kit) {
			c := k.cache()
			large := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
			switch err := c.Set(k.ctx(), "large", large, cache.DefaultTTL); {
			case errors.Is(err, cache.ErrTooLarge):
				k.wantMiss(c, "large")
			case err != nil:
				k.fail("Set of a megabyte: %v", err)
			default:
				k.want(c, "large", string(large))
			}
		}},
		{name: "a value too large changes nothing", rule: "above it ErrTooLarge, and what was there stays", run: func(k *kit) {
			c := k.cache()
			k.set(c, "key", "old", cache.DefaultTTL)
			if err := c.Set(k.ctx(), "key", make([]byte, cache.MaxValueLen+1), cache.DefaultTTL); !errors.Is(err, cache.ErrTooLarge) {
				k.fail("Set of %d bytes: %v; want ErrTooLarge", cache.MaxValueLen+1, err)
			}
			k.want(c, "key", "old")
		}},
		{name: "a value is kept whole or refused",
			rule: "up to 64 MiB, or what the store can hold; above it ErrTooLarge, and what was there stays", run: func(k *kit) {
				s := k.open()
				k.over(s)
				d := direct(s)
				served := can(s)
				// On the store itself: a cache refuses what is above 64 MiB before a store sees it.
				writes := []struct {
					name  string
					needs []need
					old   string // what is there before; "" for nothing
					write func(key string, value []byte) error
				}{
					{"Set", nil, "old", func(key string, value []byte) error { return d.Set(k.ctx(), key, value, time.Hour) }},
					{"SetMany", needs(needBatcher), "old", func(key string, value []byte) error {
						return d.SetMany(k.ctx(), map[string][]byte{key: value}, time.Hour)
					}},
					{"CompareAndSwap", needs(needSwapper), "old", func(key string, value []byte) error {
						_, err := d.CompareAndSwap(k.ctx(), key, []byte("old"), value, time.Hour)
						return err
					}},
					{"Add", needs(needAdder), "", func(key string, value []byte) error {
						_, err := d.Add(k.ctx(), key, value, time.Hour)
						return err
					}},
				}
				for _, size := range []int{1, 4095, 4096, 65_535, 65_537, 1 << 20, 5 << 20} {
					value := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
					for _, w := range writes {
						if (testCase{needs: w.needs}).lacks(served) != "" {
							continue
						}
						key := fmt.Sprint(w.name, size)
						if w.old != "" {
							k.must("Set", d.Set(k.ctx(), key, []byte(w.old), time.Hour))
						}
						err := w.write(key, value)
						got, found, getErr := d.Get(k.ctx(), key)
						switch {
						case errors.Is(err, cache.ErrTooLarge):
							if getErr != nil || string(got) != w.old || found != (w.old != "") {
								k.fail("%s of %d bytes was refused, and left %.20q, %t, %v; want %q", w.name, size, got, found, getErr, w.old)
							}
						case err != nil:
							k.fail("%s of %d bytes: %v; want it stored, or ErrTooLarge", w.name, size, err)
						case getErr != nil || !bytes.Equal(got, value):
							k.fail("%s of %d bytes stored %d of them, %t, %v", w.name, size, len(got), found, getErr)
						}
						k.must("Delete", d.Delete(k.ctx(), key))
					}
				}
			}},
		{name: "a value that was read stays as it was read",
			rule: "Get returns a slice of the caller's own, whatever is read or written later", run: func(k *kit) {
				c := k.cache()
				k.set(c, "a", "first value", cache.DefaultTTL)
				k.set(c, "b", "other value", cache.DefaultTTL)
				a, _, err := c.Get(k.ctx(), "a")
				k.must("Get", err)
				b, _, err := c.Get(k.ctx(), "b")
				k.must("Get", err)
				k.set(c, "a", "third value", cache.DefaultTTL)
				if string(a) != "first value" || string(b) != "other value" {
					k.fail("values that were read became %q and %q", a, b)
				}
			}},
		{name: "Set keeps no reference to the slice", rule: "Set keeps no reference to the caller's slice", run: func(k *kit) {
			c := k.cache()
			value := []byte("value")
			if err := c.Set(k.ctx(), "key", value, cache.DefaultTTL); err != nil {
				k.must("the operation", err)
			}
			copy(value, "XXXXX")
			k.want(c, "key", "value")
		}},
		{name: "Get returns a slice of the caller's own", rule: "Get returns a slice the caller may change", run: func(k *kit) {
			c := k.cache()
			k.set(c, "key", "value", cache.DefaultTTL)
			got, _, err := c.Get(k.ctx(), "key")
			if err != nil {
				k.must("the operation", err)
			}
			copy(got, "XXXXX")
			_ = append(got, "beyond"...)
			k.want(c, "key", "value")
		}},
		{name: "Set replaces the value", rule: "overwrite replaces value and lifetime", run: func(k *kit) {
			c := k.cache()
			k.set(c, "key", "a longer first", cache.DefaultTTL)
			k.set(c, "key", "second", cache.DefaultTTL)
			k.want(c, "key", "second")
		}},
		{name: "Delete removes the entry", rule: "a deleted entry is absent", run: func(k *kit) {
			c := k.cache()
			k.set(c, "key", "value", cache.DefaultTTL)
			k.set(c, "other", "value", cache.DefaultTTL)
			if err := c.Delete(k.ctx(), "key"); err != nil {
				k.fail("Delete: %v", err)
			}
			k.wantMiss(c, "key")
			k.want(c, "other", "value")
		}},
		{name: "Delete of an absent key is no error", rule: "Delete is idempotent", run: func(k *kit) {
			if err := k.cache().Delete(k.ctx(), "absent"); err != nil {
				k.fail("Delete: %v", err)
			}
		}},
	}
}
