package settings

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	allowedURL = "redis:// or valkey:// (rediss, valkeys: with TLS, and ?ca_file=/ca.pem) and [user:password@]host[:port][/database], " +
		"unix:///run/redis.sock?db=1, redis+cluster://host:port,host:port, redis+sentinel://host:port,host:port/master[/database]"
	whyMalformedURL = "malformed; in a user or password @ is written %40, / is %2F, : is %3A, ? is %3F, # is %23 and % is %25"
	whyLogin        = "with a user and no password, so that the client would be the default user"
	whyParameter    = "with a parameter that is not known"
)

// redisURL is what has to be known of a Redis URL to compare it with the other
// variables, and to report with all other problems what redisstore would
// refuse later.
type redisURL struct {
	kind     string // "", "unix", "cluster" or "sentinel"
	tls      bool
	username string
	password string
	hosts    []string
	ports    []string // of the hosts, defaults filled in
	caFile   string
	database int
	named    bool // whether the URL names the database
}

// parseRedisURL says why a URL is none, without quoting anything of it: where
// it is malformed, any part may be the password.
func parseRedisURL(raw string) (u redisURL, why string) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return u, whyMalformedURL
	}
	if why := u.setScheme(strings.ToLower(scheme)); why != "" {
		return u, why
	}
	if strings.Contains(rest, "#") {
		return u, "with a #, which in a password is written %23"
	}

	// net/url knows one host, so the list of hosts is taken apart here, and
	// each of them is parsed in its place.
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	if strings.Contains(tail, "@") {
		return u, whyMalformedURL // a password with a / or ? would become a host and a query
	}
	at := strings.LastIndex(authority, "@") + 1
	login, hosts := authority[:at], strings.Split(authority[at:], ",")
	if u.kind != "cluster" && u.kind != "sentinel" && len(hosts) > 1 {
		return u, "with several hosts, which takes redis+cluster:// or redis+sentinel://"
	}
	var parsed *url.URL
	for _, host := range hosts {
		one, err := url.Parse(scheme + "://" + login + host + tail)
		if err != nil {
			return u, whyMalformedURL
		}
		if why := u.addHost(one); why != "" {
			return u, why
		}
		parsed = one
	}
	u.username = parsed.User.Username()
	u.password, _ = parsed.User.Password()
	if u.username != "" && u.password == "" {
		return u, whyLogin
	}
	query, err := url.ParseQuery(parsed.RawQuery)
	if err != nil {
		return u, whyMalformedURL
	}
	if why := u.setPath(parsed.Path); why != "" {
		return u, why
	}
	return u, u.setParameters(query)
}

func (u *redisURL) setScheme(scheme string) (why string) {
	scheme, kind, multi := strings.Cut(scheme, "+")
	switch {
	case multi && kind != "cluster" && kind != "sentinel":
		return "of an unknown scheme"
	case scheme == "unix" && !multi:
		u.kind = "unix"
	case scheme == "redis" || scheme == "valkey":
		u.kind = kind
	case scheme == "rediss" || scheme == "valkeys":
		u.kind, u.tls = kind, true
	default:
		return "of an unknown scheme"
	}
	return ""
}

func (u *redisURL) addHost(one *url.URL) (why string) {
	if u.kind == "unix" {
		if one.Host != "" || strings.Trim(one.Path, "/") == "" {
			return "without the path of a socket, which takes three slashes"
		}
		return ""
	}
	host, port := one.Hostname(), one.Port()
	if host == "" {
		if u.kind != "" {
			return "with an empty place in its list of hosts"
		}
		host = "localhost" // go-redis reads it so
	}
	if !isHost(host) || strings.Contains(host, ":") && !strings.HasPrefix(one.Host, "[") {
		return "with a host that is none; an IPv6 address goes in brackets"
	}
	if port == "" {
		port = "6379"
		if u.kind == "sentinel" {
			port = "26379"
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "with a port out of range"
	}
	u.hosts, u.ports = append(u.hosts, host), append(u.ports, port)
	return ""
}

// setPath reads the database from where the kind has it: for a socket, whose
// path is its own, that is a parameter.
func (u *redisURL) setPath(path string) (why string) {
	if u.kind == "unix" {
		return ""
	}
	path = strings.TrimPrefix(path, "/")
	if u.kind == "sentinel" {
		master, database, _ := strings.Cut(path, "/")
		if master == "" {
			return "without the name of the master"
		}
		path = database
	}
	if strings.Contains(path, "/") {
		return "with more path than a database"
	}
	if path == "" {
		return ""
	}
	return u.setDatabase(path)
}

// setParameters takes the parameters that there are for the scheme, if any.
func (u *redisURL) setParameters(query url.Values) (why string) {
	for name, values := range query {
		switch {
		case !u.hasParameter(name):
			return whyParameter
		case len(values) > 1:
			return "with a parameter twice"
		case values[0] == "" && name == "ca_file":
			return "with a ca_file that names no file"
		case name == "ca_file":
			u.caFile = values[0]
		case name == "db":
			if why := u.setDatabase(values[0]); why != "" {
				return why
			}
		}
	}
	if query.Get("sentinel_user") != "" && query.Get("sentinel_password") == "" {
		return "with a sentinel_user and no sentinel_password, so that the client would be the default user"
	}
	return ""
}

func (u *redisURL) hasParameter(name string) bool {
	switch name {
	case "db":
		return u.kind == "unix"
	case "ca_file":
		return u.tls
	case "sentinel_user", "sentinel_password":
		return u.kind == "sentinel"
	}
	return false
}

func (u *redisURL) setDatabase(text string) (why string) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return "with a database that is not a number from 0"
	}
	if u.kind == "cluster" && n != 0 {
		return "with a database other than 0, which a cluster does not have"
	}
	u.database, u.named = int(n), true
	return ""
}

// checkRedisURL is the rule of the URL, and says less than the whole grammar
// where that is all that somebody has to know.
func checkRedisURL(text string) (why, allowed string) {
	u, why := parseRedisURL(text)
	switch {
	case why == whyLogin:
		return why, "both, or neither"
	case why == whyParameter && u.kind == "unix":
		return why, "db"
	case why == whyParameter && u.kind == "sentinel":
		return why, "sentinel_user, sentinel_password, and ca_file with TLS"
	case why == whyParameter:
		return why, "ca_file, with TLS"
	default:
		return why, ""
	}
}

// RedisURL is the URL to connect to: Cache.StorageURL, with the database put in
// where it names none, or one made of the APP_REDIS_… variables. It may hold a
// password, so it is not to be logged.
func (s Settings) RedisURL() string {
	if s.Cache.StorageURL == "" {
		return s.Redis.url(s.Cache.RedisDB)
	}
	raw := s.Cache.StorageURL.Reveal()
	u, why := parseRedisURL(raw)
	if why != "" || u.named || u.kind == "cluster" {
		return raw
	}
	db := strconv.Itoa(s.Cache.RedisDB)
	scheme, rest, _ := strings.Cut(raw, "://")
	path, query, hasQuery := strings.Cut(rest, "?")
	if u.kind == "unix" {
		query, hasQuery = "db="+db, true // it takes no other parameter
	} else {
		path = strings.TrimSuffix(path, "/") + "/" + db
	}
	if hasQuery {
		path += "?" + query
	}
	return scheme + "://" + path
}

// url writes the variables as one URL; userinfo and host are escaped, so that
// no password can become a host.
func (r Redis) url(db int) string {
	u := url.URL{Scheme: "redis", Host: net.JoinHostPort(r.Host, strconv.Itoa(r.Port)), Path: "/" + strconv.Itoa(db)}
	if r.TLS {
		u.Scheme = "rediss"
	}
	if r.Username != "" || r.Password != "" {
		u.User = url.UserPassword(r.Username, r.Password.Reveal())
	}
	if r.CAFile != "" {
		u.RawQuery = url.Values{"ca_file": {r.CAFile}}.Encode()
	}
	return u.String()
}

// checkRedis finds what is set in two places and differs: one of the two would
// be without effect, and nobody could tell which.
func (l *loader) checkRedis() {
	s := l.settings
	if s.Cache.StorageURL == "" {
		l.checkLogin()
		if s.Redis.CAFile != "" && !s.Redis.TLS && !l.byName["APP_REDIS_TLS"].bad && !l.byName["APP_CACHE_STORAGE_URL"].bad {
			l.fail(l.byName["APP_REDIS_CA_FILE"], "without effect as long as APP_REDIS_TLS is false", "APP_REDIS_TLS=true, or leave it unset")
		}
		return
	}
	u, _ := parseRedisURL(s.Cache.StorageURL.Reveal()) // its rule has passed
	l.agree("APP_REDIS_HOST", slices.ContainsFunc(u.hosts, func(h string) bool { return strings.EqualFold(h, s.Redis.Host) }))
	l.agree("APP_REDIS_PORT", slices.Contains(u.ports, strconv.Itoa(s.Redis.Port)))
	l.agree("APP_REDIS_USERNAME", u.username == s.Redis.Username)
	l.agree("APP_REDIS_PASSWORD", u.password == s.Redis.Password.Reveal())
	l.agree("APP_REDIS_TLS", u.tls == s.Redis.TLS)
	l.agree("APP_REDIS_CA_FILE", u.caFile == s.Redis.CAFile)
	db := l.byName["APP_CACHE_REDIS_DB"]
	if u.named || u.kind == "cluster" {
		l.agree(db.name, u.database == s.Cache.RedisDB)
		s.Cache.RedisDB = u.database
		db.text = strconv.Itoa(u.database)
	}
}

// checkLogin finds a user without a password: the client would drop the user
// and connect as the default one, with other rights than the operator meant.
func (l *loader) checkLogin() {
	user := l.byName["APP_REDIS_USERNAME"]
	r := l.settings.Redis
	if r.Username == "" || r.Password != "" || l.byName["APP_REDIS_PASSWORD"].bad || l.byName["APP_CACHE_STORAGE_URL"].bad {
		return
	}
	// The name is not shown: what stands alone may be the password.
	l.failAs(user, Problem{
		Var: user.name, Why: "without APP_REDIS_PASSWORD the client would be the default user", Allowed: "APP_REDIS_PASSWORD with it, or neither",
	})
}

// agree reports a variable that is set to something else than what the URL says.
func (l *loader) agree(name string, same bool) {
	if v := l.byName[name]; l.settings.IsSet(name) && !v.bad && !same {
		l.fail(v, "contradicts APP_CACHE_STORAGE_URL, which says otherwise or nothing", "the same in both, or only one of them set")
	}
}
