using PageFold.Frames;

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
internal sealed unsafe class BoxTrainer
{
    private const int Rounds = 6;
    private const int GivenUp = 48;
    private const int CandidatesBetweenChecks = 256;

    // Greater than the extra bits of any box.
    private const int Unsaid = 64;

    // Where the loss begins in an entry of the queue, which has the candidate's number below it.
    private const int LossShift = 20;

    private static readonly int[] Universal = [BoxCandidate.Widest(BoxDistance.Repeat), BoxCandidate.Widest(BoxDistance.Any)];

    private readonly TrainingWork _work;
    private readonly long* _weights;
    private readonly long* _costs;
    private readonly long* _second;
    private readonly int* _owners;

    // The candidates that gain anything, and the queue; an entry's order is that of its loss, and then that of its number.
    private readonly long* _candidates;
    private readonly long* _queue;
    private int _candidateCount;
    private int _queueCount;

    private BoxTrainer(NativeBuffer memory, TrainingWork work)
    {
        _work = work;
        _weights = (long*)memory.Pointer;
        _costs = _weights + Cells.MapLength;
        _second = _costs + Cells.MapLength;
        _candidates = _second + Cells.MapLength;
        _queue = _candidates + BoxCandidate.Count;
        _owners = (int*)(_queue + BoxCandidate.Count);
    }

    /// <summary>Bytes that training takes: the candidates, their queue, and a few numbers for each place of a map.</summary>
    public static long WorkBytes { get; } =
        2L * BoxCandidate.Count * sizeof(long) + Cells.MapLength * (3L * sizeof(long) + sizeof(int));

    private Span<long> Weights => new(_weights, Cells.MapLength);

    private Span<long> Costs => new(_costs, Cells.MapLength);

    /// <summary>Chooses the boxes.</summary>
    /// <param name="counts">
    /// How many sequences have the cells at each place of a <see cref="FoldTables.Map"/>; less than 2 to the power of 37 in all.
    /// </param>
    /// <param name="work">The training.</param>
    public static Box[] Train(ReadOnlySpan<long> counts, TrainingWork work)
    {
        NativeBuffer memory = work.Memory.Allocate(WorkBytes);
        try
        {
            return new BoxTrainer(memory, work).Train(counts);
        }
        finally
        {
            work.Memory.Free(memory);
        }
    }

    private Box[] Train(ReadOnlySpan<long> counts)
    {
        counts.CopyTo(Weights);
        List<int> best = new(FoldTables.Boxes);
        best.AddRange(Universal);
        // What a box gains against the universal ones is an upper bound of all that it ever gains.
        FindCandidates(best);
        long bestBits = Fill(best);
        int givenUp = GivenUp;
        for (int round = 0; round < Rounds && givenUp > 0; round++)
        {
            _work.Tell((round + 1.0) / (Rounds + 1));
            List<int> next = WithoutLeast(best, givenUp);
            long bits = Fill(next);
            if (bits < bestBits)
                (best, bestBits) = (next, bits);
            else
                givenUp /= 2;
        }
        Box[] boxes = new Box[FoldTables.Boxes];
        for (int i = 0; i < boxes.Length; i++)
            boxes[i] = new BoxCandidate(best[Math.Min(i, best.Count - 1)]).ToBox();
        return boxes;
    }

    private static long Entry(long loss, int number) => loss << LossShift | (uint)number;

    private static int NumberOf(long entry) => (int)(entry & (1 << LossShift) - 1);

    /// <summary>Notes the boxes that gain anything, each with what it loses (a negative number).</summary>
    private void FindCandidates(List<int> chosen)
    {
        SetCosts(chosen);
        _candidateCount = 0;
        for (int number = 0; number < BoxCandidate.Count; number++)
        {
            if (number % CandidatesBetweenChecks == 0)
                _work.Check();
            long gain = new BoxCandidate(number).Gain(Costs, Weights);
            if (gain > 0)
                _candidates[_candidateCount++] = Entry(-gain, number);
        }
    }

    /// <summary>Notes for each place of a map the extra bits of the cheapest box.</summary>
    private void SetCosts(List<int> chosen)
    {
        Costs.Fill(Unsaid);
        foreach (int number in chosen)
            new BoxCandidate(number).Take(Costs);
    }

    /// <summary>Adds boxes until there are 256 or none gains anything; returns the extra bits of all sequences.</summary>
    private long Fill(List<int> chosen)
    {
        SetCosts(chosen);
        _queueCount = _candidateCount;
        new Span<long>(_candidates, _candidateCount).CopyTo(new Span<long>(_queue, _queueCount));
        for (int place = _queueCount / 2 - 1; place >= 0; place--)
            Sink(place);
        // Ties go to the candidate with the lower number.
        while (chosen.Count < FoldTables.Boxes && _queueCount > 0)
        {
            _work.Check();
            BoxCandidate first = new(NumberOf(_queue[0]));
            long gain = first.Gain(Costs, Weights);
            if (gain == 0)
            {
                _queue[0] = _queue[--_queueCount];
                Sink(0);
                continue;
            }
            // Its bound is lower now. It is taken if it is the first one still.
            _queue[0] = Entry(-gain, first.Number);
            Sink(0);
            if (NumberOf(_queue[0]) != first.Number)
                continue;
            _queue[0] = _queue[--_queueCount];
            Sink(0);
            first.Take(Costs);
            chosen.Add(first.Number);
        }
        long bits = 0;
        for (int i = 0; i < Cells.MapLength; i++)
            bits += _weights[i] * _costs[i];
        return bits;
    }

    /// <summary>Moves an entry of the queue, a binary heap, below those that come before it.</summary>
    private void Sink(int place)
    {
        if (place >= _queueCount)
            return;
        long entry = _queue[place];
        for (int child; (child = 2 * place + 1) < _queueCount; place = child)
        {
            if (child + 1 < _queueCount && _queue[child + 1] < _queue[child])
                child++;
            if (_queue[child] >= entry)
                break;
            _queue[place] = _queue[child];
        }
        _queue[place] = entry;
    }

    /// <summary>Returns the boxes without those whose loss costs the fewest bits, each taken alone.</summary>
    private List<int> WithoutLeast(List<int> chosen, int count)
    {
        Span<long> least = Costs;
        Span<long> second = new(_second, Cells.MapLength);
        Span<int> owners = new(_owners, Cells.MapLength);
        least.Fill(Unsaid);
        second.Fill(Unsaid);
        owners.Clear();
        for (int i = 0; i < chosen.Count; i++)
            new BoxCandidate(chosen[i]).Take(least, second, owners, i);
        long[] worth = new long[chosen.Count];
        for (int i = 0; i < owners.Length; i++)
            worth[owners[i]] += _weights[i] * (second[i] - least[i]);
        for (int i = 0; i < Universal.Length; i++)
            worth[i] = long.MaxValue;
        int most = Math.Min(count, chosen.Count - Universal.Length);
        HashSet<int> gone = [.. Enumerable.Range(0, chosen.Count).OrderBy(i => worth[i]).Take(most)];
        return [.. chosen.Where((_, i) => !gone.Contains(i))];
    }
}
