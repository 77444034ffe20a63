namespace PageFold.Compression.Fold.Training;

/// <summary>Chooses the boxes that say given sequences with the fewest extra bits.</summary>
/// <remarks>
/// <para>
/// A sequence takes the cheapest box that contains it, so the worth of a set of boxes is submodular: a further box gains the less, the more
/// boxes there are. A greedy choice is then nearly the best one, and it can be lazy (Minoux, 1978): what a box gained earlier is an upper
/// bound of what it gains now. Candidates wait in a queue by their bounds; the first one is evaluated again and taken if it is still
/// first.
/// </para>
/// <para>
/// The choice is then improved: the boxes that are worth least are given up, and as many are chosen greedily again, until that gains no
/// more.
/// </para>
/// </remarks>
internal static class BoxTrainer
{
    private const int Rounds = 6;
    private const int GivenUp = 48;

    // Greater than the extra bits of any box.
    private const int Unsaid = 64;

    private static readonly BoxCandidate[] Universal =
    [
        new(BoxSide.Literals[^1], BoxSide.Matches[^1], BoxDistance.Repeat),
        new(BoxSide.Literals[^1], BoxSide.Matches[^1], BoxDistance.Any),
    ];

    /// <summary>The most bytes that training takes: the candidates, their queue, and a few numbers for each place of a map.</summary>
    public const long MaxWorkBytes = 16 << 20;

    /// <summary>Chooses the boxes.</summary>
    /// <param name="counts">How many sequences have the cells at each place of a <see cref="FoldTables.Map"/>.</param>
    /// <param name="cancellation">Ends the training.</param>
    public static Box[] Train(ReadOnlySpan<long> counts, CancellationToken cancellation)
    {
        long[] weights = counts.ToArray();
        List<BoxCandidate> best = [.. Universal];
        // What a box gains against the universal ones is an upper bound of all that it ever gains.
        List<(BoxCandidate, (long, int))> candidates = FindCandidates(CostsOf(best), weights);
        PriorityQueue<BoxCandidate, (long, int)> queue = new(candidates.Count);
        long bestBits = Fill(best, candidates, queue, weights, cancellation);
        int givenUp = GivenUp;
        for (int round = 0; round < Rounds && givenUp > 0; round++)
        {
            List<BoxCandidate> next = WithoutLeast(best, weights, givenUp);
            long bits = Fill(next, candidates, queue, weights, cancellation);
            if (bits < bestBits)
                (best, bestBits) = (next, bits);
            else
                givenUp /= 2;
        }
        Box[] boxes = new Box[FoldTables.Boxes];
        for (int i = 0; i < boxes.Length; i++)
            boxes[i] = best[Math.Min(i, best.Count - 1)].ToBox();
        return boxes;
    }

    /// <summary>Returns the boxes that gain anything, each with what it loses (a negative number) and its own number.</summary>
    private static List<(BoxCandidate, (long, int))> FindCandidates(long[] costs, long[] weights)
    {
        // Made each time: there are more than a hundred thousand, and training is rare.
        IEnumerable<BoxCandidate> all =
            from distance in BoxDistance.All
            from literals in BoxSide.Literals
            from matches in BoxSide.Matches
            select new BoxCandidate(literals, matches, distance);
        List<(BoxCandidate, (long, int))> candidates = [];
        foreach (BoxCandidate candidate in all)
        {
            if (candidate.Gain(costs, weights) is > 0 and var gain)
                candidates.Add((candidate, (-gain, candidates.Count)));
        }
        return candidates;
    }

    /// <summary>Returns for each place of a map the extra bits of the cheapest box.</summary>
    private static long[] CostsOf(List<BoxCandidate> chosen)
    {
        long[] costs = new long[Cells.MapLength];
        Array.Fill(costs, Unsaid);
        foreach (BoxCandidate candidate in chosen)
            candidate.Take(costs);
        return costs;
    }

    /// <summary>Adds boxes until there are 256 or none gains anything; returns the extra bits of all sequences.</summary>
    private static long Fill(List<BoxCandidate> chosen, List<(BoxCandidate, (long, int))> candidates,
        PriorityQueue<BoxCandidate, (long, int)> queue, long[] weights, CancellationToken cancellation)
    {
        long[] costs = CostsOf(chosen);
        queue.Clear();
        queue.EnqueueRange(candidates);
        // Ties go to the candidate that was made first.
        while (chosen.Count < FoldTables.Boxes && queue.TryDequeue(out BoxCandidate? first, out (long Loss, int Number) priority))
        {
            cancellation.ThrowIfCancellationRequested();
            long loss = -first.Gain(costs, weights);
            if (loss == 0)
                continue;
            if (queue.TryPeek(out _, out (long Loss, int Number) next) && (loss, priority.Number).CompareTo(next) > 0)
            {
                queue.Enqueue(first, (loss, priority.Number));
                continue;
            }
            first.Take(costs);
            chosen.Add(first);
        }
        long bits = 0;
        for (int i = 0; i < costs.Length; i++)
            bits += weights[i] * costs[i];
        return bits;
    }

    /// <summary>Returns the boxes without those whose loss costs the fewest bits, each taken alone.</summary>
    private static List<BoxCandidate> WithoutLeast(List<BoxCandidate> chosen, long[] weights, int count)
    {
        long[] least = new long[Cells.MapLength];
        long[] second = new long[Cells.MapLength];
        int[] owners = new int[Cells.MapLength];
        Array.Fill(least, Unsaid);
        Array.Fill(second, Unsaid);
        for (int i = 0; i < chosen.Count; i++)
            chosen[i].Take(least, second, owners, i);
        long[] worth = new long[chosen.Count];
        for (int i = 0; i < owners.Length; i++)
            worth[owners[i]] += weights[i] * (second[i] - least[i]);
        for (int i = 0; i < Universal.Length; i++)
            worth[i] = long.MaxValue;
        int most = Math.Min(count, chosen.Count - Universal.Length);
        HashSet<int> gone = [.. Enumerable.Range(0, chosen.Count).OrderBy(i => worth[i]).Take(most)];
        return [.. chosen.Where((_, i) => !gone.Contains(i))];
    }
}
