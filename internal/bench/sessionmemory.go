package main

import "context"

// knownNanos is what may pass until it is known who has logged in.
const knownNanos = 1000

// sessionLoad compares requests that read the data of their session. Then what passes before the program's own type is decoded.
func sessionLoad(ctx context.Context, b *bench) ([]result, error) {
	results, err := b.sessions(ctx, "a session's value",
		sessionWork("session", ours, openSessions(readOurs, false)), sessionWork("scs", library, openSCS(readSCS, false)))
	if err != nil {
		return nil, err
	}
	const what = "a session's user"
	for _, n := range []int{1, 2} {
		scores, err := b.raceCalls(ctx, what, n, []callLibrary{sessionWork("session", ours, openSessions(userOfOurs, false))})
		if err != nil {
			return nil, err
		}
		results = append(results, takesAtMost(what+", "+cores(n), scores[0], knownNanos, n),
			result{what: what + ", " + cores(n) + ": allocations a call", measured: scores[0].allocations, unit: hundredths})
	}
	return results, nil
}

// sessionAnonymous compares requests without a cookie whose handler has nothing to do with sessions.
func sessionAnonymous(ctx context.Context, b *bench) ([]result, error) {
	return b.sessions(ctx, "no session",
		sessionWork("session", ours, openSessions(unused, true)), sessionWork("scs", library, openSCS(unusedSCS, true)))
}

// sessionWrite compares requests that read the data and change them.
func sessionWrite(ctx context.Context, b *bench) ([]result, error) {
	return b.sessions(ctx, "a session's value changed",
		sessionWork("session", ours, openSessions(changeOurs, false)), sessionWork("scs", library, openSCS(changeSCS, false)))
}

func (b *bench) sessions(ctx context.Context, what string, libraries ...callLibrary) ([]result, error) {
	var results []result
	for _, n := range []int{1, 2} {
		scores, err := b.raceCalls(ctx, what, n, libraries)
		if err != nil {
			return nil, err
		}
		results = append(results, besideAll(what+", "+cores(n), scores[0], scores)...)
	}
	return results, nil
}
