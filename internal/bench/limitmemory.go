package main

import "context"

// decisionNanos is what a decision may take.
const decisionNanos = 300

// limitDecision compares requests that are let through, and the decisions alone.
func limitDecision(ctx context.Context, b *bench) ([]result, error) {
	return b.limit(ctx, "a request that is let through", "a decision alone", manyRequests)
}

// limitRefusal compares requests that are refused.
func limitRefusal(ctx context.Context, b *bench) ([]result, error) {
	return b.limit(ctx, "a request that is refused", "a refusal alone", fewerRequests)
}

func (b *bench) limit(ctx context.Context, request, decision string, requests int) ([]result, error) {
	var results []result
	for _, of := range []struct {
		what  string
		works []limitWork
	}{{request, limitHandlers()}, {decision, limitStores()}} {
		var libraries []callLibrary
		for _, w := range of.works {
			libraries = append(libraries, w(requests))
		}
		for _, n := range []int{1, 2} {
			scores, err := b.raceCalls(ctx, of.what, n, libraries)
			if err != nil {
				return nil, err
			}
			own, what := scores[0], of.what+", "+cores(n)
			if requests == manyRequests {
				results = append(results, takesAtMost(what, own, decisionNanos, n))
			}
			results = append(results, besideAll(what, own, scores)...)
		}
	}
	return results, nil
}
