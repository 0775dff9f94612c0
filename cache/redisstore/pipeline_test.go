package redisstore_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
)

// The client gives the commands of a pipeline no error where the connection that they were to go over was refused.
func TestAWrongPasswordIsAnErrorOfWhateverGoesAsAPipeline(t *testing.T) {
	t.Parallel()
	single := redistest.Start(t, "--requirepass", "right")
	cluster := redistest.StartCluster(t, 3, "--requirepass", "right")
	for name, url := range map[string]string{
		"on a server":  strings.Replace(single.URL(), "://", "://:wrong@", 1),
		"on a cluster": strings.Replace(cluster.URL(), "://", "://:wrong@", 1),
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, url, &redisstore.Options{Timeout: 10 * time.Second})
			keys := []string{"a", "b", "c", "d"}
			items := map[string][]byte{"a": []byte("1"), "b": []byte("2"), "c": []byte("3"), "d": []byte("4")}
			if err := s.SetMany(t.Context(), items, time.Hour); !errors.Is(err, redisstore.ErrAuth) {
				t.Errorf("SetMany: %v; want ErrAuth", err)
			}
			if got, err := s.GetMany(t.Context(), keys); got != nil || !errors.Is(err, redisstore.ErrAuth) {
				t.Errorf("GetMany = %q, %v; want ErrAuth", got, err)
			}
			if e, found, err := s.GetWithTTL(t.Context(), "e"); found || !errors.Is(err, redisstore.ErrAuth) {
				t.Errorf("GetWithTTL = %v, %t, %v; want ErrAuth", e, found, err)
			}
			if err := s.DeleteMany(t.Context(), keys); !errors.Is(err, redisstore.ErrAuth) {
				t.Errorf("DeleteMany: %v; want ErrAuth", err)
			}
			var all sync.WaitGroup
			for i := range 64 {
				all.Go(func() {
					if v, found, err := s.Get(t.Context(), fmt.Sprint("key", i)); found || !errors.Is(err, redisstore.ErrAuth) {
						t.Errorf("Get beside others = %q, %t, %v; want ErrAuth", v, found, err)
					}
				})
			}
			all.Wait()
		})
	}
}
