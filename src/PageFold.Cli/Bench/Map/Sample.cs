using System.Runtime.CompilerServices;
using PageFold.Cli.Interop;

namespace PageFold.Cli.Bench.Map;

/// <summary>The objects to access: in a pool, and the same ones in a plain array as long as the working set.</summary>
internal sealed class Sample : IDisposable
{
    private readonly PlacedObjects _placed;
    private readonly NativeBytes _array;
    private readonly long[] _offsets;
    private readonly int[] _numbers;

    /// <param name="placed">The source of the objects, which outlives the sample.</param>
    /// <param name="count">The number of objects.</param>
    /// <param name="percent">The share that straddles, in percent.</param>
    /// <param name="arrayBytes">The size of the plain array, over which its objects are spread, in bytes.</param>
    /// <param name="random">The source of random choices.</param>
    public Sample(PlacedObjects placed, int count, int percent, long arrayBytes, Random random)
    {
        _placed = placed;
        Straddling = count / 100 * percent;
        _numbers = placed.Choose(Straddling, count - Straddling, random);
        Handles = [.. _numbers.Select(placed.Handle)];
        int[] places = [.. Enumerable.Range(0, (int)Math.Max(count, arrayBytes / placed.Size))];
        random.Shuffle(places);
        _offsets = [.. places.Take(count).Select(place => (long)place * placed.Size)];
        _array = new NativeBytes((long)places.Length * placed.Size, Environment.SystemPageSize);
        _array.Touch();
        for (int i = 0; i < count; i++)
            placed.Content(_numbers[i]).CopyTo(InArray(i));
    }

    public ZsPool Pool => _placed.Pool;

    public int Size => _placed.Size;

    public int Count => _numbers.Length;

    /// <summary>The number of objects that straddle.</summary>
    public int Straddling { get; }

    public ZsHandle[] Handles { get; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> InArray(int item) => _array.Slice(_offsets[item], Size);

    public ReadOnlySpan<byte> Content(int item) => _placed.Content(_numbers[item]);

    /// <summary>Compares every object with its expected content and counts again how many straddle.</summary>
    public bool IsAsItWas()
    {
        byte[] read = new byte[Size];
        int straddling = 0;
        for (int i = 0; i < Count; i++)
        {
            Pool.Read(Handles[i], 0, read);
            if (!Content(i).SequenceEqual(read) || !Content(i).SequenceEqual(InArray(i)))
                return false;
            straddling += _placed.Straddles(_numbers[i]) ? 1 : 0;
        }
        return straddling == Straddling;
    }

    public void Dispose() => _array.Dispose();
}
