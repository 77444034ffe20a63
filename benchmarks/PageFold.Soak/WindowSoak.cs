using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using PageFold;

/// <summary>Threads that map straddling objects through windows, verify every byte, write, unmap, free and allocate again.</summary>
/// <remarks>
/// Everything is compacted now and then. The bytes of each object are computed from its number and its version, so a byte from another
/// object's frame is detected.
/// </remarks>
internal sealed class WindowSoak(int seconds) : IDisposable
{
    private const int ObjectsOfThread = 2000;
    private const int MinSize = 1000;
    private const int MaxSize = 4000;
    private const int TurnsBetweenCompactions = 20_000;

    private readonly ZsPool _pool = new(new ZsPoolOptions { Mapping = MappingKind.Window, MemoryLimit = 256L << 20 });
    private readonly Stopwatch _time = Stopwatch.StartNew();
    private long _maps;
    private long _straddling;
    private long _wrong;

    /// <summary>Runs the soak and returns the exit code.</summary>
    public int Execute()
    {
        ScatterFrames();
        int threads = Math.Max(2, Environment.ProcessorCount);
        Thread[] workers = [.. Enumerable.Range(0, threads).Select(number => new Thread(() => Work(number)))];
        foreach (Thread worker in workers)
            worker.Start();
        Console.WriteLine("seconds        maps  straddling  wrong");
        while (_time.Elapsed.TotalSeconds < seconds)
        {
            Thread.Sleep(TimeSpan.FromSeconds(Math.Min(10, seconds / 10.0)));
            string time = string.Create(CultureInfo.InvariantCulture, $"{_time.Elapsed.TotalSeconds,7:F0}");
            Console.WriteLine($"{time} {Volatile.Read(ref _maps),11} {Volatile.Read(ref _straddling),11} {Volatile.Read(ref _wrong),6}");
        }
        foreach (Thread worker in workers)
            worker.Join();
        string verdict = _wrong == 0 ? "verified" : "WRONG BYTES";
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{verdict}: {threads} threads, {_maps:N0} maps, {_straddling:N0} of them through a window"));
        return _wrong == 0 ? 0 : 1;
    }

    public void Dispose() => _pool.Dispose();

    /// <summary>Leaves free frames that are not adjacent, so that objects straddle.</summary>
    private void ScatterFrames()
    {
        List<ZsHandle> holes = [];
        for (int i = 0; i < 2 * ObjectsOfThread * Math.Max(2, Environment.ProcessorCount); i++)
        {
            holes.Add(_pool.Allocate(_pool.MaxObjectSize));
            _pool.Allocate(_pool.MaxObjectSize);
        }
        foreach (ZsHandle hole in holes)
            _pool.Free(hole);
    }

    private void Work(int number)
    {
        Random random = new(number);
        (ZsHandle Handle, ulong Key)[] mine = new (ZsHandle, ulong)[ObjectsOfThread];
        ulong next = (ulong)(number + 1) << 48;
        byte[] expected = new byte[MaxSize];
        for (int i = 0; i < mine.Length; i++)
            mine[i] = Make(random, next++, expected);
        for (int turn = 0; _time.Elapsed.TotalSeconds < seconds; turn++)
        {
            ref (ZsHandle Handle, ulong Key) one = ref mine[random.Next(mine.Length)];
            int size = _pool.SizeOf(one.Handle);
            using (ZsReadView view = _pool.ViewRead(one.Handle))
            {
                if (view.Second.Length > 0)
                    Interlocked.Increment(ref _straddling);
            }
            bool write = random.Next(4) == 0;
            Fill(expected.AsSpan(0, size), one.Key);
            if (write)
            {
                using ZsMap map = _pool.Map(one.Handle);
                Check(map.Span, expected.AsSpan(0, size));
                one.Key = next++;
                Fill(expected.AsSpan(0, size), one.Key);
                expected.AsSpan(0, size).CopyTo(map.Span);
            }
            else
            {
                using ZsReadMap map = _pool.MapRead(one.Handle);
                Check(map.Span, expected.AsSpan(0, size));
            }
            if (random.Next(8) == 0)
            {
                _pool.Free(one.Handle);
                one = Make(random, next++, expected);
            }
            if (turn % TurnsBetweenCompactions == TurnsBetweenCompactions - 1)
                _pool.Compact();
        }
    }

    private (ZsHandle Handle, ulong Key) Make(Random random, ulong key, byte[] buffer)
    {
        Span<byte> content = buffer.AsSpan(0, random.Next(MinSize, MaxSize));
        Fill(content, key);
        return (_pool.Allocate(content), key);
    }

    private void Check(ReadOnlySpan<byte> span, ReadOnlySpan<byte> expected)
    {
        if (!span.SequenceEqual(expected))
            Interlocked.Increment(ref _wrong);
        Interlocked.Increment(ref _maps);
    }

    private static void Fill(Span<byte> content, ulong key)
    {
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(content);
        for (int i = 0; i < words.Length; i++)
            words[i] = key * 0x9E37_79B9_7F4A_7C15 + (ulong)i;
        content[(words.Length * sizeof(ulong))..].Fill((byte)key);
    }
}
