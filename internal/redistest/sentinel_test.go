package redistest_test

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

func TestSentinelsFailOverOnDemandAndByThemselves(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"without a password": nil,
		"with a password":    {"--requirepass", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.StartSentinel(t, args...)
			password := strings.Join(args[min(len(args), 1):], "")
			first, second := s.Servers()[0], s.Servers()[1]
			if s.Master() != first {
				t.Fatal("the first server is not the master at the start")
			}
			client := sentinelClient(t, s, password)
			set(t, client, "k", "v")
			awaitReplica(t, second, password, "v")

			s.Failover()
			if s.Master() != second {
				t.Fatal("the replica is not the master after Failover")
			}
			wait.Until(t, func() bool { return client.Set(t.Context(), "k", "w", 0).Err() == nil })
			awaitReplica(t, first, password, "w")

			second.Kill()
			wait.Until(t, func() bool { return s.Master() == first })
			wait.Until(t, func() bool { return client.Set(t.Context(), "k", "x", 0).Err() == nil })
			second.Restart()
			awaitReplica(t, second, password, "x")
			if s.Master() != first {
				t.Error("the master that came back is the master again, want a replica")
			}
		})
	}
}

func TestASentinelMayBeMissing(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinel(t)
	addrs := []string{s.Sentinels()[0].Addr(), s.Sentinels()[1].Addr(), s.Sentinels()[2].Addr()}
	if want := "redis+sentinel://" + strings.Join(addrs, ",") + "/mymaster"; s.URL() != want {
		t.Errorf("URL is %q, want %q", s.URL(), want)
	}
	s.Sentinels()[0].Kill()
	s.Master().Freeze()
	wait.Until(t, func() bool { return s.Master() == s.Servers()[1] })
	s.Servers()[0].Thaw()
	s.Sentinels()[0].Restart()
	wait.Until(t, func() bool { return s.Master() == s.Servers()[1] }) // the first is asked, which has to learn of it
}

// awaitReplica waits until s is a replica that has the value.
func awaitReplica(t *testing.T, s *redistest.Server, password, value string) {
	t.Helper()
	client := redistest.Client(t, strings.Replace(s.URL(), "redis://", "redis://:"+password+"@", 1))
	wait.Until(t, func() bool {
		return strings.Contains(client.Info(t.Context(), "replication").Val(), "role:slave") &&
			client.Get(t.Context(), "k").Val() == value
	})
}

func sentinelClient(t *testing.T, s *redistest.Sentinels, password string) *redis.Client {
	t.Helper()
	addrs, name, _ := strings.Cut(strings.TrimPrefix(s.URL(), "redis+sentinel://"), "/")
	client := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: name, SentinelAddrs: strings.Split(addrs, ","), Password: password, ContextTimeoutEnabled: true,
	})
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Errorf("close the client: %v", err)
		}
	})
	return client
}
