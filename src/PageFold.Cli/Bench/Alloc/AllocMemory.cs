namespace PageFold.Cli.Bench.Alloc;

/// <summary>
/// Weighs one allocator after the other: by how much does the process grow for the objects, each of which is filled? What an allocator keeps once its objects are freed is in the
/// next one's baseline and so does not count for it.
/// </summary>
internal sealed class AllocMemory(int[] sizes, Contents contents, WorkProgress progress, CancellationToken cancellation)
{
    private const int BatchSize = 16384;
    private const int ChurnPerObject = 2;

    // Whoever gives memory back in the background has had the time for it.
    private static readonly TimeSpan BackgroundTime = TimeSpan.FromSeconds(2);

    private readonly List<AllocBenchMemory> _found = [];

    public IReadOnlyList<AllocBenchMemory> Found => _found;

    public void Weigh(AllocatorKind kind)
    {
        Population population = new(sizes);
        Batch batch = new(BatchSize);
        Func<Allocator> make = kind.Prepare(population.Count);
        ReadOnlySpan<int> all = population.RandomOrder;
        ReadOnlySpan<int> half = all[..(all.Length / 2)];
        int[] inOrder = [.. Enumerable.Range(0, population.Count)];
        // So that no page of the batch is touched for the first time later.
        population.ChooseFill(batch, inOrder.AsSpan(0, Math.Min(batch.Capacity, inOrder.Length)));
        progress.Begin($"Weighing {(kind.Name == Allocator.PageFold ? "PageFold" : kind.Name)}", population.Count * (2L + ChurnPerObject));
        long before = ResidentMemory.Measure();
        using Allocator allocator = make();

        Fill(allocator, population, batch, inOrder);
        Record(allocator, "fresh", before, population.AskedBytes);

        allocator.Free(half);
        cancellation.WaitHandle.WaitOne(BackgroundTime);
        cancellation.ThrowIfCancellationRequested();
        Record(allocator, "halfFreed", before, population.AskedBytes - population.AskedBytesOf(half));

        Fill(allocator, population, batch, half);
        for (int rest = ChurnPerObject * population.Count; rest > 0; rest -= batch.Count)
        {
            population.ChooseChurn(batch, Math.Min(rest, batch.Capacity));
            allocator.Churn(batch, contents);
            Advance(batch.Count);
        }
        Record(allocator, "churned", before, population.AskedBytes);
        allocator.Free(all);
    }

    private void Fill(Allocator allocator, Population population, Batch batch, ReadOnlySpan<int> places)
    {
        for (int from = 0; from < places.Length; from += batch.Capacity)
        {
            population.ChooseFill(batch, places.Slice(from, Math.Min(batch.Capacity, places.Length - from)));
            allocator.Fill(batch, contents);
            Advance(batch.Count);
        }
    }

    private void Record(Allocator allocator, string state, long before, long asked)
    {
        long held = ResidentMemory.Measure() - before;
        _found.Add(new AllocBenchMemory(allocator.Name, state, asked, held, (double)held / asked, allocator.AccountedBytes));
    }

    private void Advance(int objects)
    {
        progress.Add(objects);
        cancellation.ThrowIfCancellationRequested();
    }
}
