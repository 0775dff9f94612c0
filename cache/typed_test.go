package cache_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
)

type item struct {
	ID    string
	Price int
	Tags  []string
}

func loads[T any](v T) func(context.Context) (T, error) {
	return func(context.Context) (T, error) { return v, nil }
}

// returned loads v twice, as a miss and as a hit, and checks what both give.
func returned[T any](t *testing.T, v T, stored string) {
	t.Helper()
	c := inMemory(t, nil)
	for range 2 {
		got, err := cache.GetOrLoad(t.Context(), c, "k", cache.Policy{}, loads(v))
		if diff := cmp.Diff(v, got); diff != "" || err != nil {
			t.Errorf("%T: %v; (-want +got):\n%s", v, err, diff)
		}
	}
	wantStored(t, c, "k", stored)
}

func TestValuesComeBackAsTheyWereLoaded(t *testing.T) {
	returned(t, []byte("\x00bytes\xff"), "\x00bytes\xff")
	returned(t, []byte{}, "")
	returned(t, "\xfeldr a string that begins as a frame", "\xfeldr a string that begins as a frame")
	returned(t, "", "")
	returned(t, 42, "42")
	returned(t, item{"tea", 450, []string{"hot"}}, `{"ID":"tea","Price":450,"Tags":["hot"]}`)
	returned(t, &item{ID: "tea"}, `{"ID":"tea","Price":0,"Tags":null}`)
	returned(t, map[string]int{"a": 1}, `{"a":1}`)
	returned(t, []item(nil), "null")
	returned(t, (*item)(nil), "null")
	returned(t, json.RawMessage(`{"a":1}`), `{"a":1}`)
	returned(t, time.Date(2001, 2, 3, 4, 5, 6, 7, time.UTC), `"2001-02-03T04:05:06.000000007Z"`)
}

func TestEveryCallerGetsAValueOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, nil)
		own := []byte("value")
		let := make(chan struct{})
		values := make(chan []byte, 100)
		for range 100 {
			go func() {
				v, err := cache.GetOrLoad(t.Context(), c, "k", cache.Policy{}, func(context.Context) ([]byte, error) { <-let; return own, nil })
				if err != nil {
					t.Error(err)
				}
				values <- v
			}()
		}
		synctest.Wait()
		close(let)
		for range 100 {
			v := <-values
			if string(v) != "value" {
				t.Fatalf("a caller got %q, which another has changed", v)
			}
			copy(v, "spoil")
			_ = append(v, "spoilt"...)
		}
		copy(own, "spoil")
		wantStored(t, c, "k", "value")
	})
}

func TestWhatDoesNotDecodeIsAMissAndIsReplaced(t *testing.T) {
	c := inMemory(t, nil)
	for _, entry := range []string{"", "{", `"a string"`, `{"Price":"dear"}`, "\xfeldr"} {
		if err := c.Set(t.Context(), "k", []byte(entry), time.Hour); err != nil {
			t.Fatal(err)
		}
		want := item{ID: entry}
		for range 2 {
			if got, err := cache.GetOrLoad(t.Context(), c, "k", cache.Policy{}, loads(want)); got.ID != strings.ToValidUTF8(entry, "�") || err != nil {
				t.Errorf("over %q: %+v, %v; want the loaded item", entry, got, err)
			}
			want.Price++ // not loaded again
		}
	}
}

func TestWhatDoesNotEncodeIsAnErrorAndNothingIsStored(t *testing.T) {
	c := inMemory(t, nil)
	_, err := cache.GetOrLoad(t.Context(), c, "k", cache.Policy{}, loads(math.NaN()))
	if want := `cache: get or load "k": the value, a float64, does not encode: json: unsupported value: NaN`; errText(err) != want {
		t.Errorf("the error is %v; want %q", err, want)
	}
	_, err = cache.GetOrLoadMany(t.Context(), c, []string{"k", "l"}, cache.Policy{}, func(context.Context, []string) (map[string]float64, error) {
		return map[string]float64{"k": math.Inf(1), "l": 1}, nil
	})
	if err == nil {
		t.Error("a batch with such a value gives no error")
	}
	wantAbsent(t, c, "k")
	numbers, err := cache.For[float64](c, "numbers", cache.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if err := numbers.Set(t.Context(), "k", 1); err != nil {
		t.Fatal(err)
	}
	if err := numbers.Set(t.Context(), "k", math.NaN()); err == nil {
		t.Error("Set gives no error")
	}
	if v, found, err := numbers.Get(t.Context(), "k"); v != 1 || !found || err != nil {
		t.Errorf("Get = %v, %t, %v; want the value before", v, found, err)
	}
}

// reversed is a codec of strings, backwards.
type reversed struct{}

func (reversed) Marshal(v any) ([]byte, error) {
	s, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("%T is no string", v)
	}
	return backwards(s), nil
}

func (reversed) Unmarshal(data []byte, v any) error {
	if len(data) == 0 {
		return errors.New("empty")
	}
	*v.(*string) = string(backwards(string(data)))
	return nil
}

func backwards(s string) []byte {
	b := make([]byte, 0, len(s))
	for i := len(s); i > 0; i-- {
		b = append(b, s[i-1])
	}
	return b
}

func TestAnotherCodecIsUsedForEverything(t *testing.T) {
	c := inMemory(t, nil)
	words, err := cache.For[string](c, "words", cache.Policy{}, cache.WithCodec(reversed{}))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if v, err := words.GetOrLoad(t.Context(), "k", loads("abc")); v != "abc" || err != nil {
			t.Errorf("GetOrLoad = %q, %v", v, err)
		}
	}
	wantStored(t, words.Cache(), "k", "cba")
	if err := words.Set(t.Context(), "l", "xyz"); err != nil {
		t.Fatal(err)
	}
	if v, found, err := words.Get(t.Context(), "l"); v != "xyz" || !found || err != nil {
		t.Errorf("Get = %q, %t, %v", v, found, err)
	}
	many, err := words.GetOrLoadMany(t.Context(), []string{"k", "m"}, func(_ context.Context, missing []string) (map[string]string, error) {
		return map[string]string{"m": fmt.Sprint(missing)}, nil
	})
	if diff := cmp.Diff(map[string]string{"k": "abc", "m": "[m]"}, many); diff != "" || err != nil {
		t.Errorf("GetOrLoadMany: %v; (-want +got):\n%s", err, diff)
	}
	if err := words.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if _, found, err := words.Get(t.Context(), "k"); found || err != nil {
		t.Errorf("after Delete: %t, %v", found, err)
	}
}

func TestASchemaDropsValuesOfOthers(t *testing.T) {
	c := inMemory(t, nil)
	of := func(version uint32) cache.Typed[int] {
		typed, err := cache.For[int](c, "numbers", cache.Policy{}, cache.WithSchema(version))
		if err != nil {
			t.Fatal(err)
		}
		return typed
	}
	none, one, two := of(0), of(1), of(2)
	for i, typed := range []cache.Typed[int]{none, one, two, one, none} {
		if v, found, err := typed.Get(t.Context(), "k"); found || err != nil {
			t.Errorf("%d: Get = %v, %t, %v; want a miss: it is of another schema", i, v, found, err)
		}
		for range 2 {
			if v, err := typed.GetOrLoad(t.Context(), "k", loads(i)); v != i || err != nil {
				t.Errorf("%d: GetOrLoad = %v, %v", i, v, err)
			}
		}
		if v, found, err := typed.Get(t.Context(), "k"); v != i || !found || err != nil {
			t.Errorf("%d: Get = %v, %t, %v; want its own", i, v, found, err)
		}
	}
	if err := one.Set(t.Context(), "k", 7); err != nil {
		t.Fatal(err)
	}
	many, err := two.GetOrLoadMany(t.Context(), []string{"k"}, func(context.Context, []string) (map[string]int, error) { return map[string]int{"k": 8}, nil })
	if many["k"] != 8 || err != nil {
		t.Errorf("GetOrLoadMany = %v, %v; want what was loaded", many, err)
	}
	wantStored(t, c.Namespace("numbers"), "k", "8") // the plain methods know no schema
}

func TestSetOfATypedKeepsThePolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := inMemory(t, nil), newSource()
		words, err := cache.For[string](c, "words", cache.Policy{TTL: time.Minute, StaleFor: time.Minute, Tags: []string{"tag"}})
		if err != nil {
			t.Fatal(err)
		}
		set := func() {
			t.Helper()
			if err := words.Set(t.Context(), "k", "set"); err != nil {
				t.Fatal(err)
			}
		}
		set()
		<-time.After(time.Minute)
		if v, found, err := words.Get(t.Context(), "k"); found || err != nil {
			t.Errorf("after its TTL: %q, %t, %v; want a miss", v, found, err)
		}
		if v, err := words.GetOrLoad(t.Context(), "k", s.load); v != "set" || err != nil {
			t.Errorf("GetOrLoad = %q, %v; want it served stale", v, err)
		}
		<-s.began
		set() // and not what is being loaded
		s.answer <- outcome{value: "late"}
		synctest.Wait()
		if v, found, err := words.Get(t.Context(), "k"); v != "set" || !found || err != nil {
			t.Errorf("Get = %q, %t, %v; want what was set", v, found, err)
		}
		if err := words.Cache().InvalidateTags(t.Context(), "tag"); err != nil {
			t.Fatal(err)
		}
		if v, found, err := words.Get(t.Context(), "k"); found || err != nil {
			t.Errorf("after its tag was invalidated: %q, %t, %v; want a miss", v, found, err)
		}
	})
}

func TestATypedOfNoCacheLoadsEachTime(t *testing.T) {
	of, err := cache.For[int](nil, "numbers", cache.Policy{TTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	var zero cache.Typed[int]
	for _, typed := range []cache.Typed[int]{of, zero} {
		if err := typed.Set(t.Context(), "k", 1); err != nil {
			t.Error(err)
		}
		if _, found, err := typed.Get(t.Context(), "k"); found || err != nil {
			t.Errorf("Get = %t, %v", found, err)
		}
		for i := range 2 {
			if v, err := typed.GetOrLoad(t.Context(), "k", loads(i)); v != i || err != nil {
				t.Errorf("GetOrLoad = %d, %v; want %d", v, err, i)
			}
		}
		if err := typed.Delete(t.Context(), "k"); err != nil || typed.Cache() != nil {
			t.Errorf("Delete: %v, the cache is %v", err, typed.Cache())
		}
	}
}

func TestForRefusesWhatNamespaceWouldPanicOn(t *testing.T) {
	deep := inMemory(t, nil)
	for range 8 {
		deep = deep.Namespace("n")
	}
	for name, c := range map[string]*cache.Cache{"": inMemory(t, nil), "a:b": nil, "ninth": deep} {
		if _, err := cache.For[int](c, name, cache.Policy{}); !strings.HasPrefix(errText(err), fmt.Sprintf("cache: for %q: ", name)) {
			t.Errorf("For(%q): %v; want an error that names it", name, err)
		}
	}
}
