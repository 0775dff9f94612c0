package settings_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/settings"
)

func TestTheURLIsMadeOfTheRedisVariables(t *testing.T) {
	for _, tt := range []struct{ name, environ, want string }{
		{"the defaults", "", "redis://localhost:6379/1"},
		{"a password alone", "APP_REDIS_PASSWORD=pw", "redis://:pw@localhost:6379/1"},
		{"a user and a password", "APP_REDIS_USERNAME=me APP_REDIS_PASSWORD=pw", "redis://me:pw@localhost:6379/1"},
		{"signs in user and password are escaped", "APP_REDIS_USERNAME=a:b APP_REDIS_PASSWORD=p%@/?#:[]+&=é", "redis://a%3Ab:p%25%40%2F%3F%23%3A%5B%5D+&=%C3%A9@localhost:6379/1"},
		{"an IPv6 host is bracketed", "APP_REDIS_HOST=2001:db8::1 APP_REDIS_PORT=7", "redis://[2001:db8::1]:7/1"},
		{"an IPv6 zone is escaped", "APP_REDIS_HOST=fe80::1%eth0", "redis://[fe80::1%25eth0]:6379/1"},
		{"TLS with an authority", "APP_REDIS_TLS=true APP_REDIS_CA_FILE=/etc/a&b.pem", "rediss://localhost:6379/1?ca_file=%2Fetc%2Fa%26b.pem"},
		{"database 0", "APP_CACHE_REDIS_DB=0", "redis://localhost:6379/0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := mustLoad(t, strings.Fields(tt.environ)...).RedisURL(); got != tt.want {
				t.Errorf("RedisURL() = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAClientReadsThePasswordThatWasSet(t *testing.T) {
	for _, password := range []string{"hunter2", "%", "p@h/1?db=2#x", ":", "é ü\t", `"'\`} {
		s := mustLoad(t, "APP_REDIS_PASSWORD="+password, "APP_REDIS_USERNAME="+password)
		o, err := redis.ParseURL(s.RedisURL())
		if err != nil {
			t.Fatalf("password %q: %v", password, err)
		}
		if o.Password != password || o.Username != password || o.Addr != "localhost:6379" || o.DB != 1 {
			t.Errorf("the client has user %q, password %q, address %s and database %d, want %q twice, localhost:6379 and 1", o.Username, o.Password, o.Addr, o.DB, password)
		}
	}
}

func TestAGivenURLGetsTheDatabaseWhereItNamesNone(t *testing.T) {
	for _, tt := range []struct {
		given, want string
		database    int
	}{
		{"redis://h", "redis://h/3", 3},
		{"redis://h/", "redis://h/3", 3},
		{"redis:///", "redis:///3", 3},
		{"redis://", "redis:///3", 3},
		{"rediss://me:p%2Fw@[::1]:7?ca_file=/x/", "rediss://me:p%2Fw@[::1]:7/3?ca_file=/x/", 3},
		{"valkey://h/0", "valkey://h/0", 0},
		{"REDIS://h/7", "REDIS://h/7", 7},
		{"unix:///run/r.sock", "unix:///run/r.sock?db=3", 3},
		{"unix:///run/r.sock?", "unix:///run/r.sock?db=3", 3},
		{"unix:///run/r.sock?&", "unix:///run/r.sock?db=3", 3},
		{"unix://me:pw@/run/r.sock?db=5", "unix://me:pw@/run/r.sock?db=5", 5},
		{"redis+sentinel://h1:1,h2:2/main", "redis+sentinel://h1:1,h2:2/main/3", 3},
		{"valkeys+sentinel://:a,b@h1,h2/main/6", "valkeys+sentinel://:a,b@h1,h2/main/6", 6},
	} {
		t.Run(tt.given, func(t *testing.T) {
			environ := []string{"APP_CACHE_STORAGE_URL=" + tt.given}
			if tt.database == 3 {
				environ = append(environ, "APP_CACHE_REDIS_DB=3")
			}
			s := mustLoad(t, environ...)
			if got := s.RedisURL(); got != tt.want {
				t.Errorf("RedisURL() = %q, want %q", got, tt.want)
			}
			if s.Cache.RedisDB != tt.database {
				t.Errorf("RedisDB = %d, want %d", s.Cache.RedisDB, tt.database)
			}
		})
	}
}

func TestAClusterHasDatabase0(t *testing.T) {
	for _, given := range []string{"redis+cluster://h1:7000,h2:7001", "rediss+cluster://:pw@h1/", "valkey+cluster://[::1]:7000,h2/0"} {
		s := mustLoad(t, "APP_CACHE_STORAGE_URL="+given)
		if s.RedisURL() != given || s.Cache.RedisDB != 0 {
			t.Errorf("RedisURL() = %q with database %d, want %q with 0", s.RedisURL(), s.Cache.RedisDB, given)
		}
	}
}

func TestAWrongURLIsReportedWithoutAnyOfIt(t *testing.T) {
	const malformed = "malformed; in a user or password @ is written %40, / is %2F, : is %3A, ? is %3F, # is %23 and % is %25"
	const noHost = "with a host that is none; an IPv6 address goes in brackets"
	for _, tt := range []struct{ name, given, why string }{
		{"no scheme", "hunter2@h:6379", malformed},
		{"an opaque URL", "redis:hunter2", malformed},
		{"a scheme that nobody knows", "hunter2://h", "of an unknown scheme"},
		{"a scheme whose K is the sign of the Kelvin", "val\u212aey://:hunter2@h", malformed},
		{"a plus that nobody knows", "redis+hunter2://h", "of an unknown scheme"},
		{"a cluster on a socket", "unix+cluster:///run/hunter2", "of an unknown scheme"},
		{"an unescaped percent sign", "redis://:hunter2%@h", malformed},
		{"an unescaped slash", "redis://:hunter2/x@h", malformed},
		{"an unescaped slash after digits", "redis://:1/hunter2@h", malformed},
		{"an unescaped question mark after digits", "redis://:1?hunter2@h/1", malformed},
		{"an unescaped number sign", "redis://:hunter2#x@h", "with a #, which in a password is written %23"},
		{"a space in the host", "redis://:hunter2@a b", malformed},
		{"a control character", "redis://:hunter2@h\x01", malformed},
		{"an IPv6 host without brackets", "redis://:hunter2@2001:db8::1/1", noHost},
		{"a sign that no host has", "redis://hunter2!", noHost},
		{"a port that is a word", "redis://:hunter2@h:port", malformed},
		{"a port that is too high", "redis://:hunter2@h:65536", "with a port out of range"},
		{"a database that is a word", "redis://:hunter2@h/main", "with a database that is not a number from 0"},
		{"a negative database", "redis://:hunter2@h/-1", "with a database that is not a number from 0"},
		{"a database and more", "redis://:hunter2@h/1/2", "with more path than a database"},
		{"a database and a slash", "redis://:hunter2@h/1/", "with more path than a database"},
		{"a slash too many", "redis://:hunter2@h//1", "with more path than a database"},
		{"a master, a database and more", "redis+sentinel://:hunter2@h/main/1/2", "with more path than a database"},
		{"two databases", "unix://:hunter2@/run/r?db=1&db=2", "with a parameter twice"},
		{"a database that is left out", "unix://:hunter2@/run/r?db=", "with a database that is not a number from 0"},
		{"two authorities", "rediss://h?ca_file=/hunter2&ca_file=/x", "with a parameter twice"},
		{"an authority without a path", "rediss://:hunter2@h?ca_file=", "with a ca_file that names no file"},
		{"a query that cannot be read", "redis://h?password=hunter2%", malformed},
		{"a list of hosts", "redis://:hunter2@h1,h2", "with several hosts, which takes redis+cluster:// or redis+sentinel://"},
		{"an empty place in a list of hosts", "redis+cluster://:hunter2@h1,,h2", "with an empty place in its list of hosts"},
		{"a cluster with a database", "redis+cluster://:hunter2@h1/2", "with a database other than 0, which a cluster does not have"},
		{"a sentinel without a master", "redis+sentinel://:hunter2@h1", "without the name of the master"},
		{"a sentinel's user without a password", "redis+sentinel://h1/m?sentinel_user=hunter2",
			"with a sentinel_user and no sentinel_password, so that the client would be the default user"},
		{"a socket with two slashes", "unix://run/hunter2.sock", "without the path of a socket, which takes three slashes"},
		{"a socket without a path", "unix://:hunter2@", "without the path of a socket, which takes three slashes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := problems(t, "APP_CACHE_STORAGE_URL="+tt.given)
			if len(got) != 1 || !strings.HasPrefix(got[0], "APP_CACHE_STORAGE_URL: "+tt.why+"; allowed: redis://") {
				t.Errorf("problems are %q, want one that says %q", got, tt.why)
			}
			if strings.Contains(strings.Join(got, ""), "hunter2") {
				t.Errorf("the secret is in %q", got)
			}
		})
	}
}

func TestAURLWithAParameterThatIsNotKnownIsAProblem(t *testing.T) {
	const tcp, unix, sentinel = "ca_file, with TLS", "db", "sentinel_user, sentinel_password, and ca_file with TLS"
	for _, tt := range []struct{ name, given, allowed string }{
		{"a client's option", "redis://h?foo=hunter2", tcp},
		{"a client's option on a socket", "unix:///run/r?foo=hunter2", unix},
		{"a password after the question mark", "redis://h?hunter2", tcp},
		{"a password after the question mark of a socket", "unix:///run/r?hunter2", unix},
		{"a password after the question mark, with TLS", "rediss://h?hunter2", tcp},
		{"a password behind a parameter that is known", "rediss://h?ca_file=/x&hunter2", tcp},
		{"a password behind the database of a socket", "unix:///run/r?db=1&hunter2", unix},
		{"a parameter without a name", "redis://h?=hunter2", tcp},
		{"a name in capitals", "rediss://h?CA_FILE=/hunter2", tcp},
		{"a database that belongs in the path", "redis://h?db=2", tcp},
		{"a database that belongs in the path, with TLS", "valkeys://h?db=4", tcp},
		{"a database of a cluster", "redis+cluster://h?db=0", tcp},
		{"a database of a sentinel's master", "redis+sentinel://h/main?db=2", sentinel},
		{"an authority without TLS", "valkey://h?ca_file=/hunter2", tcp},
		{"a sentinel's password where there is none", "redis://h?sentinel_password=hunter2", tcp},
		{"an authority on a socket", "unix:///run/r?ca_file=/hunter2", unix},
		{"an authority of a cluster without TLS", "redis+cluster://h?ca_file=/hunter2", tcp},
		{"an authority of a sentinel without TLS", "redis+sentinel://h/main?ca_file=/hunter2", sentinel},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := []string{"APP_CACHE_STORAGE_URL: with a parameter that is not known; allowed: " + tt.allowed}
			if diff := cmp.Diff(want, problems(t, "APP_CACHE_STORAGE_URL="+tt.given)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnAuthorityGoesWithTLS(t *testing.T) {
	for _, given := range []string{"rediss://h/1?ca_file=/x", "valkeys://h/1?ca_file=%2Fx", "rediss+cluster://h?ca_file=/x", "valkeys+sentinel://h/main/1?ca_file=/x"} {
		if got := mustLoad(t, "APP_CACHE_STORAGE_URL="+given).RedisURL(); got != given {
			t.Errorf("RedisURL() = %q, want %q", got, given)
		}
	}
}

func TestAURLWithAUserAndNoPasswordIsAProblem(t *testing.T) {
	want := []string{"APP_CACHE_STORAGE_URL: with a user and no password, so that the client would be the default user; allowed: both, or neither"}
	for _, scheme := range []string{"redis://%s@h", "rediss://%s@h/1", "valkey://%s@h", "valkeys://%s@h", "unix://%s@/run/r", "redis+cluster://%s@h1,h2", "rediss+sentinel://%s@h1,h2/main"} {
		for _, login := range []string{"hunter2", "hunter2:"} {
			if diff := cmp.Diff(want, problems(t, "APP_CACHE_STORAGE_URL="+strings.Replace(scheme, "%s", login, 1))); diff != "" {
				t.Errorf("%s for %s:\n%s", login, scheme, diff)
			}
		}
	}
}

func TestAUserWithoutAPasswordIsAProblem(t *testing.T) {
	// The name is not shown: what stands alone may be the password.
	const want = "APP_REDIS_USERNAME: without APP_REDIS_PASSWORD the client would be the default user; allowed: APP_REDIS_PASSWORD with it, or neither"
	for _, tt := range []struct {
		name    string
		environ []string
		want    string
	}{
		{"no password", []string{"APP_REDIS_USERNAME=hunter2"}, want},
		{"an empty password", []string{"APP_REDIS_USERNAME=hunter2", "APP_REDIS_PASSWORD="}, want},
		{"an empty password file", []string{"APP_REDIS_USERNAME=hunter2", "APP_REDIS_PASSWORD_FILE=" + file(t, "\n")}, want},
		{"a password file that cannot be read is problem enough", []string{"APP_REDIS_USERNAME=hunter2", "APP_REDIS_PASSWORD_FILE=/no/such"},
			"APP_REDIS_PASSWORD_FILE=/no/such: cannot be read; allowed: a readable file of at most 1 MiB"},
		{"a URL that is none may have had the password", []string{"APP_REDIS_USERNAME=hunter2", "APP_CACHE_STORAGE_URL=redis://h?x"},
			"APP_CACHE_STORAGE_URL: with a parameter that is not known; allowed: ca_file, with TLS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := settings.Load(tt.environ)
			if err == nil || err.Error() != tt.want {
				t.Errorf("error is\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
	mustLoad(t, "APP_REDIS_USERNAME=me", "APP_REDIS_PASSWORD=pw")
	mustLoad(t, "APP_REDIS_USERNAME=me", "APP_REDIS_PASSWORD_FILE="+file(t, "pw"))
	mustLoad(t, "APP_REDIS_USERNAME=me", "APP_CACHE_STORAGE_URL=redis://me:pw@h")
}

func TestAUserWithoutAPasswordInAStructStaysInTheURL(t *testing.T) {
	// Who fills the struct by hand is told by the store, not connected as the default user.
	s := defaults()
	s.Redis.Username = "me"
	if got, want := s.RedisURL(), "redis://me:@localhost:6379/1"; got != want {
		t.Errorf("RedisURL() = %q, want %q", got, want)
	}
}

func TestAURLMustNotContradictTheOtherVariables(t *testing.T) {
	for _, tt := range []struct{ name, given, other, culprit string }{
		{"another host", "redis://a", "APP_REDIS_HOST=b", "APP_REDIS_HOST=b"},
		{"another host than the default", "redis://a", "APP_REDIS_HOST=localhost", "APP_REDIS_HOST=localhost"},
		{"a host beside a socket", "unix:///run/r", "APP_REDIS_HOST=localhost", "APP_REDIS_HOST=localhost"},
		{"another port", "redis://a:1", "APP_REDIS_PORT=6379", "APP_REDIS_PORT=6379"},
		{"another port than the one left out", "redis://a", "APP_REDIS_PORT=1", "APP_REDIS_PORT=1"},
		{"another user", "redis://u:p@a", "APP_REDIS_USERNAME=v", "APP_REDIS_USERNAME=v"},
		{"another password", "redis://:hunter2@a", "APP_REDIS_PASSWORD=hunter3", "APP_REDIS_PASSWORD"},
		{"a password that the URL lacks", "redis://a", "APP_REDIS_PASSWORD=hunter2", "APP_REDIS_PASSWORD"},
		{"TLS that the URL lacks", "redis://a", "APP_REDIS_TLS=true", "APP_REDIS_TLS=true"},
		{"no TLS where the URL has it", "rediss://a", "APP_REDIS_TLS=false", "APP_REDIS_TLS=false"},
		{"another authority", "rediss://a?ca_file=/a", "APP_REDIS_CA_FILE=/b", "APP_REDIS_CA_FILE=/b"},
		{"another database", "redis://a/2", "APP_CACHE_REDIS_DB=1", "APP_CACHE_REDIS_DB=1"},
		{"another database in the query", "unix:///run/r?db=2", "APP_CACHE_REDIS_DB=1", "APP_CACHE_REDIS_DB=1"},
		{"a database for a cluster", "redis+cluster://a", "APP_CACHE_REDIS_DB=1", "APP_CACHE_REDIS_DB=1"},
		{"a host that is not in the list", "redis+cluster://a,b", "APP_REDIS_HOST=c", "APP_REDIS_HOST=c"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := settings.Load([]string{"APP_CACHE_STORAGE_URL=" + tt.given, tt.other})
			want := tt.culprit + ": contradicts APP_CACHE_STORAGE_URL, which says otherwise or nothing; allowed: the same in both, or only one of them set"
			if err == nil || err.Error() != want {
				t.Errorf("error is\n%v\nwant\n%s", err, want)
			}
			if diff := cmp.Diff(defaults().Redis, s.Redis); diff != "" {
				t.Errorf("the variable does not have its default:\n%s", diff)
			}
		})
	}
}

func TestAURLMayRepeatTheOtherVariables(t *testing.T) {
	mustLoad(t, "APP_CACHE_STORAGE_URL=rediss://me:p%40w@Cache.internal:7/2?ca_file=%2Fca.pem",
		"APP_REDIS_HOST=cache.internal", "APP_REDIS_PORT=7", "APP_REDIS_USERNAME=me", "APP_REDIS_PASSWORD=p@w",
		"APP_REDIS_TLS=true", "APP_REDIS_CA_FILE=/ca.pem", "APP_CACHE_REDIS_DB=2")
	mustLoad(t, "APP_CACHE_STORAGE_URL=redis+cluster://a:7000,b:7001", "APP_REDIS_HOST=b", "APP_REDIS_PORT=7001", "APP_CACHE_REDIS_DB=0")
	mustLoad(t, "APP_CACHE_STORAGE_URL=redis+sentinel://a/main", "APP_REDIS_PORT=26379")
	mustLoad(t, "APP_CACHE_STORAGE_URL=redis://a/1", "APP_CACHE_REDIS_DB=1", "APP_REDIS_TLS=false")
}

func TestAWrongVariableIsNotAlsoAContradiction(t *testing.T) {
	s, err := settings.Load([]string{"APP_CACHE_STORAGE_URL=redis://a:1", "APP_REDIS_PORT=x"})
	if err == nil || len(s.Problems()) != 1 {
		t.Errorf("error is %v, want one problem", err)
	}
}

func FuzzTheURLOfTheVariables(f *testing.F) {
	f.Add("localhost", "me", "p@/w", "/ca.pem")
	f.Fuzz(func(t *testing.T, host, username, password, ca string) {
		s, err := settings.Load([]string{"APP_REDIS_HOST=" + host, "APP_REDIS_USERNAME=" + username, "APP_REDIS_PASSWORD=" + password, "APP_REDIS_CA_FILE=" + ca, "APP_REDIS_TLS=true"})
		if err != nil {
			return
		}
		opens(t, s.RedisURL())
		u, err := url.Parse(s.RedisURL())
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := u.User.Password(); got != password || u.User.Username() != username || u.Query().Get("ca_file") != ca {
			t.Errorf("%q has user %q, password %q and authority %q, want %q, %q and %q", u, u.User.Username(), got, u.Query().Get("ca_file"), username, password, ca)
		}
		if host != "" && u.Hostname() != host {
			t.Errorf("%q has host %q, want %q", u, u.Hostname(), host)
		}
	})
}

func FuzzAGivenURL(f *testing.F) {
	for _, seed := range []string{"redis://:pw@h:1/2?db=3", "unix:///x?db=1", "redis+Cluster://a,b/0", "rediss+sentinel://u:p@a:1,b:2/m/1", "redis://", "unix:///?", "redis://h/?", "rediss://h?ca_file=", "unix:///x?db=", "redis://me@h", "redis://h/1/", "redis://h?foo", "redis://h?=", "redis://h//"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		s, err := settings.Load([]string{"APP_CACHE_STORAGE_URL=" + given})
		if err != nil || given == "" {
			return
		}
		opens(t, s.RedisURL())
		// The URL with the database filled in names that database, and nothing else has changed.
		again, err := settings.Load([]string{"APP_CACHE_STORAGE_URL=" + s.RedisURL()})
		if err != nil {
			t.Fatalf("%q became %q: %v", given, s.RedisURL(), err)
		}
		if again.RedisURL() != s.RedisURL() || again.Cache.RedisDB != s.Cache.RedisDB {
			t.Errorf("%q became %q with database %d, and that %q with %d", given, s.RedisURL(), s.Cache.RedisDB, again.RedisURL(), again.Cache.RedisDB)
		}
	})
}

// opens holds a URL that Load let pass against the store: what the store would refuse is for Load to report, with all other problems.
func opens(t *testing.T, given string) {
	t.Helper()
	if strings.Contains(given, "ca_file=") {
		return // a file to read
	}
	store, err := redisstore.Open(t.Context(), given, nil)
	if err != nil {
		t.Fatalf("the store refuses %q: %v", given, err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}
