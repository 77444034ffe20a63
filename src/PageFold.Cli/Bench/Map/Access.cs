using System.Numerics;
using System.Runtime.InteropServices;

namespace PageFold.Cli.Bench.Map;

/// <summary>A way to access the objects of a sample; it returns a sum, so that the compiler does not remove the reads.</summary>
internal abstract class Access(string name)
{
    /// <summary>All ways, the reference first.</summary>
    public static IReadOnlyList<Access> Every { get; } =
        [new PointerAccess(), new MapAccess(), new ViewAccess(), new ReadAccess(), new WriteMapAccess()];

    /// <summary>The way's name in reports.</summary>
    public string Name { get; } = name;

    /// <summary>Accesses each object and touches its first byte.</summary>
    public abstract ulong First(Sample sample, ReadOnlySpan<int> items);

    /// <summary>Accesses each object and reads, or writes, all its bytes.</summary>
    public abstract ulong All(Sample sample, ReadOnlySpan<int> items);

    /// <summary>Reads every byte, with the same code for all ways.</summary>
    protected static ulong Sum(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<Vector<ulong>> vectors = MemoryMarshal.Cast<byte, Vector<ulong>>(bytes);
        Vector<ulong> sums = Vector<ulong>.Zero;
        foreach (Vector<ulong> vector in vectors)
            sums += vector;
        ulong sum = Vector.Sum(sums);
        foreach (byte rest in bytes[(vectors.Length * Vector<byte>.Count)..])
            sum += rest;
        return sum;
    }
}

/// <summary>Reads the objects in a plain array: the lower bound of the time.</summary>
internal sealed class PointerAccess() : Access("pointer")
{
    public override ulong First(Sample sample, ReadOnlySpan<int> items)
    {
        ulong sum = 0;
        foreach (int item in items)
            sum += sample.InArray(item)[0];
        return sum;
    }

    public override ulong All(Sample sample, ReadOnlySpan<int> items)
    {
        ulong sum = 0;
        foreach (int item in items)
            sum += Sum(sample.InArray(item));
        return sum;
    }
}

/// <summary>Maps for reading: in place if the object is contiguous, a copy if it straddles.</summary>
internal sealed class MapAccess() : Access("map")
{
    public override ulong First(Sample sample, ReadOnlySpan<int> items)
    {
        ulong sum = 0;
        foreach (int item in items)
        {
            using ZsReadMap map = sample.Pool.MapRead(sample.Handles[item]);
            sum += map.Span[0];
        }
        return sum;
    }

    public override ulong All(Sample sample, ReadOnlySpan<int> items)
    {
        ulong sum = 0;
        foreach (int item in items)
        {
            using ZsReadMap map = sample.Pool.MapRead(sample.Handles[item]);
            sum += Sum(map.Span);
        }
        return sum;
    }
}

/// <summary>Views an object as one part or two, never copied.</summary>
internal sealed class ViewAccess() : Access("view")
{
    public override ulong First(Sample sample, ReadOnlySpan<int> items)
    {
        ulong sum = 0;
        foreach (int item in items)
        {
            using ZsReadView view = sample.Pool.ViewRead(sample.Handles[item]);
            sum += view.First[0];
        }
        return sum;
    }

    public override ulong All(Sample sample, ReadOnlySpan<int> items)
    {
        ulong sum = 0;
        foreach (int item in items)
        {
            using ZsReadView view = sample.Pool.ViewRead(sample.Handles[item]);
            sum += Sum(view.First);
            if (view.Second.Length > 0)
                sum += Sum(view.Second);
        }
        return sum;
    }
}

/// <summary>Copies the whole object into a buffer that is used again.</summary>
internal sealed class ReadAccess() : Access("read")
{
    private readonly byte[] _buffer = new byte[ZsPool.MaxFrameSize];

    public override ulong First(Sample sample, ReadOnlySpan<int> items)
    {
        Span<byte> buffer = _buffer.AsSpan(0, sample.Size);
        ulong sum = 0;
        foreach (int item in items)
        {
            sample.Pool.Read(sample.Handles[item], 0, buffer);
            sum += buffer[0];
        }
        return sum;
    }

    public override ulong All(Sample sample, ReadOnlySpan<int> items)
    {
        Span<byte> buffer = _buffer.AsSpan(0, sample.Size);
        ulong sum = 0;
        foreach (int item in items)
        {
            sample.Pool.Read(sample.Handles[item], 0, buffer);
            sum += Sum(buffer);
        }
        return sum;
    }
}

/// <summary>Maps for writing, which starts with zeros.</summary>
/// <remarks>Writing only the first byte leaves the others zero; writing all bytes restores the content.</remarks>
internal sealed class WriteMapAccess() : Access("writeMap")
{
    public override ulong First(Sample sample, ReadOnlySpan<int> items)
    {
        foreach (int item in items)
        {
            using ZsMap map = sample.Pool.Map(sample.Handles[item], MapMode.Write);
            map.Span[0] = 1;
        }
        return 0;
    }

    public override ulong All(Sample sample, ReadOnlySpan<int> items)
    {
        foreach (int item in items)
        {
            using ZsMap map = sample.Pool.Map(sample.Handles[item], MapMode.Write);
            sample.Content(item).CopyTo(map.Span);
        }
        return 0;
    }
}
