package cache_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/larder-go/larder/cache"
)

// keeping is a codec of bytes whose values keep the bytes that they are decoded from.
type keeping struct{}

func (keeping) Marshal(v any) ([]byte, error) { return append([]byte{}, v.([]byte)...), nil }

func (keeping) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = data
	return nil
}

func TestAValueThatKeepsItsBytesIsItsCallersOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		typed, err := cache.For[[]byte](inMemory(t, nil), "n", cache.Policy{}, cache.WithCodec(keeping{}))
		if err != nil {
			t.Fatal(err)
		}
		let, values := make(chan struct{}), make(chan []byte, 4)
		get := func() {
			v, err := typed.GetOrLoad(t.Context(), "k", func(context.Context) ([]byte, error) { <-let; return []byte("value"), nil })
			if string(v) != "value" || err != nil {
				t.Errorf("GetOrLoad = %q, %v; want the value", v, err)
			}
			values <- v
		}
		for range 3 {
			go get()
		}
		synctest.Wait()
		close(let)
		for range 3 {
			clear(<-values) // none of which is another's
		}
		synctest.Wait()
		get() // from the store
		clear(<-values)
		get()
	})
}
