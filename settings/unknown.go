package settings

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// longName is the length of a name, after APP_, from which two edits are taken
// for a slip and not for another name.
const longName = 10

// checkUnknown looks at every variable that is no field's. A slip must not run
// the service on a default, while a variable of somebody else's program must
// not stop it.
func (l *loader) checkUnknown(strict bool) {
	for _, name := range slices.Sorted(maps.Keys(l.environ)) {
		if !isOurs(name) || l.known(name) || isInjected(name, l.environ[name]) {
			continue
		}
		p := Problem{Var: shownName(name), Why: "unknown"}
		if near := l.nearest(name); near != "" {
			p.Why = "unknown; did you mean " + near + "?"
			l.problems = append(l.problems, p)
		} else if strict {
			p.Why, p.Allowed = "unknown", "the variables that server -h lists, since APP_SETTINGS_STRICT is true"
			l.problems = append(l.problems, p)
		} else {
			l.settings.warnings = append(l.settings.warnings, p.Var+": unknown, so it changes nothing")
		}
	}
}

func (l *loader) known(name string) bool {
	if l.byName[name] != nil {
		return true
	}
	v := l.byName[strings.TrimSuffix(name, "_FILE")]
	return v != nil && v.fromFile()
}

// isOurs tells whether a name is meant for the service: whatever follows APP_,
// since a slip may be a dash or a small letter. Tests keep theirs under
// APP_TEST_.
func isOurs(name string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	return ok && !strings.HasPrefix(rest, "TEST_")
}

// shownName is a name up to the first sign that no name has. Behind that a
// terminal's escape sequence may follow, or the value, where somebody wrote a
// colon for the equals sign.
func shownName(name string) string {
	i := strings.IndexFunc(name, func(r rune) bool { return !isWord(r) && r != '.' })
	if i < 0 {
		return name
	}
	return name[:i] + "…"
}

// nearest is the known name that is one slip away, or two for a long name, and
// the first of several. Capitals and small letters are the same, so that a name
// may be no slip away from the one it is not.
func (l *loader) nearest(name string) string {
	within := 1
	if len(name)-len(prefix) >= longName {
		within = 2
	}
	found := ""
	consider := func(known string) {
		if d := distance(strings.ToUpper(name), strings.ToUpper(known), within); d <= within {
			found, within = known, d-1
		}
	}
	for _, v := range l.list {
		consider(v.name)
		if v.fromFile() {
			consider(v.name + "_FILE")
		}
	}
	return found
}

// distance counts the edits from a to b: a character put in, left out or
// changed, or two neighbours swapped (optimal string alignment). Beyond most
// it is only known to be more than most.
func distance(a, b string, most int) int {
	if max(len(a), len(b))-min(len(a), len(b)) > most {
		return most + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

// isInjected tells whether a variable is one that Kubernetes makes for the Services
// of a namespace, here for one called app or app-something.
// https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables
func isInjected(name, value string) bool {
	if strings.HasSuffix(name, "_PORT") && isLink(value) {
		return true
	}
	injected := regexp.MustCompile(`^APP_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)
	return injected.MatchString(name)
}

// isServiceLink tells whether a port's value is the address of a Service.
func isServiceLink(v *variable, value string) bool {
	return (v.number() || v.field.CanUint()) && strings.HasSuffix(v.name, "_PORT") && isLink(value)
}

func isLink(value string) bool {
	scheme, _, ok := strings.Cut(value, "://")
	return ok && slices.Contains([]string{"tcp", "udp", "sctp"}, scheme)
}

func whyServiceLink(name string) string {
	service := strings.ToLower(strings.ReplaceAll(strings.TrimSuffix(name, "_PORT"), "_", "-"))
	return "not a port but the link that Kubernetes injects for the Service " + service +
		"; set enableServiceLinks: false in the pod, or rename the Service"
}
