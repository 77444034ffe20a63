namespace PageFold.Cli.Bench.Alloc;

/// <summary>Measures by how much the process grows for the filled objects of each allocator, one after the other.</summary>
/// <remarks>
/// What an allocator keeps after its objects are freed is a part of the next one's baseline and so does not count for the next one.
/// </remarks>
internal sealed class AllocMemory(int[] sizes, Contents contents, WorkProgress progress, CancellationToken cancellation)
{
    private const int BatchSize = 16384;
    private const int ChurnPerObject = 2;

    // The time for allocators that give memory back in the background.
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
        // Touches all pages of the batch now, so that they do not count later.
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
