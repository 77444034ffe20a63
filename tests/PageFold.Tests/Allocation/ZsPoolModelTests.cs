using PageFold.Tests.Mapping;

namespace PageFold.Tests.Allocation;

/// <summary>Random operations on a pool against a dictionary that knows what must be there: three million in all.</summary>
/// <remarks>More than ten million in the campaign <c>soak</c>; see <see cref="Rounds"/>.</remarks>
public class ZsPoolModelTests
{
    private const int OperationsPerRun = 20_000;

    // Where there are none, the same runs once more with copies.
    private static MappingKind Windows => WindowTests.Possible ? MappingKind.Window : MappingKind.Copy;

    public static TheoryData<string> Configurations() => [.. Shapes.Keys];

    private static readonly Dictionary<string, (Func<ZsPoolOptions> Options, int Runs)> Shapes = new()
    {
        ["4 KiB frames"] = (() => new ZsPoolOptions { MemoryLimit = 4 << 20 }, 40),
        ["no neighbouring frames"] = (() => new ZsPoolOptions { MemoryLimit = 4 << 20, NoNeighbours = true }, 15),
        ["memory file"] = (() =>
            new ZsPoolOptions { MemoryLimit = 4 << 20,
            Backing = OperatingSystem.IsLinux() ? FrameBackingKind.SharedMemory : FrameBackingKind.Default }, 10),
        ["windows"] = (() => new ZsPoolOptions { MemoryLimit = 4 << 20, Mapping = Windows }, 8),
        ["windows, no neighbouring frames"] = (() =>
            new ZsPoolOptions { MemoryLimit = 4 << 20, Mapping = Windows, NoNeighbours = true }, 8),
        ["windows, chain of eight"] = (() => new ZsPoolOptions { MemoryLimit = 4 << 20, Mapping = Windows, MaxChain = 8 }, 5),
        ["windows, hardly any memory"] = (() => new ZsPoolOptions { MemoryLimit = 256 << 10, Mapping = Windows }, 10),
        ["portable"] = (() => new ZsPoolOptions { MemoryLimit = 4 << 20, Backing = FrameBackingKind.Portable }, 10),
        ["chain of one"] = (() => new ZsPoolOptions { MemoryLimit = 4 << 20, MaxChain = 1 }, 10),
        ["chain of eight"] = (() => new ZsPoolOptions { MemoryLimit = 4 << 20, MaxChain = 8 }, 10),
        ["8 KiB frames"] = (() => new ZsPoolOptions { MemoryLimit = 6 << 20, FrameSize = 8192 }, 10),
        ["16 KiB frames"] = (() => new ZsPoolOptions { MemoryLimit = 8 << 20, FrameSize = 16384 }, 8),
        ["32 KiB frames"] = (() => new ZsPoolOptions { MemoryLimit = 12 << 20, FrameSize = 32768 }, 8),
        ["64 KiB frames"] = (() => new ZsPoolOptions { MemoryLimit = 24 << 20, FrameSize = 65536 }, 8),
        ["hardly any memory"] = (() => new ZsPoolOptions { MemoryLimit = 256 << 10 }, 15),
    };

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Agrees_with_a_dictionary(string configuration)
    {
        (Func<ZsPoolOptions> options, int runs) = Shapes[configuration];
        Gen.Int.Sample(seed => new Run(options(), seed).Execute(OperationsPerRun), iter: Rounds.Of(runs), threads: 2);
    }

    [Fact]
    public void Three_million_operations_are_run() =>
        Assert.True(Shapes.Values.Sum(shape => shape.Runs) * (long)OperationsPerRun >= 3_000_000);

    private sealed class Run(ZsPoolOptions options, int seed)
    {
        private readonly Random _random = new(seed);
        private readonly List<(ZsHandle Handle, int Size, ulong Key)> _live = [];
        private readonly byte[] _buffer = new byte[options.FrameSize];
        private readonly List<ZsHandle> _stale = [];
        private ulong _nextKey;

        public void Execute(int operations)
        {
            using ZsPool pool = new(options);
            // Phases of growth and of shrinking, with sizes that favour a few classes for a while.
            int typical = 1;
            int growth = 50;
            for (int i = 0; i < operations; i++)
            {
                if (i % 2000 == 0)
                {
                    typical = _random.Next(1, pool.MaxObjectSize + 1);
                    growth = _random.Next(30, 70);
                }
                int dice = _random.Next(100);
                if (dice < growth / 2)
                    Allocate(pool, typical);
                else if (dice < 50)
                    Free(pool);
                else if (_live.Count > 0)
                    LookIfThereIsRoom(pool, dice);
                if (i % 5000 == 4999)
                    pool.Compact();
                Assert.True(pool.Budget.Used <= pool.MemoryLimit);
            }
            CheckAll(pool);
            CheckStatistics(pool);
            foreach ((ZsHandle handle, _, _) in _live)
                pool.Free(handle);
            pool.Compact();
            Assert.Equal(0, pool.GetStatistics().PoolBytes);
        }

        private void Allocate(ZsPool pool, int typical)
        {
            int size = _random.Next(4) == 0 ? _random.Next(1, pool.MaxObjectSize + 1)
                : Math.Clamp(typical + _random.Next(-40, 40), 1, pool.MaxObjectSize);
            if (!pool.TryAllocate(size, out ZsHandle handle))
            {
                // At the limit a model cannot know the answer; it makes room and goes on.
                Free(pool);
                Free(pool);
                return;
            }
            pool.Read(handle, 0, _buffer.AsSpan(0, size));
            Assert.True(_buffer.AsSpan(0, size).IndexOfAnyExcept((byte)0) < 0, "a new object shows an earlier owner's bytes");
            ulong key = ++_nextKey;
            Pages.Fill(_buffer.AsSpan(0, size), key);
            pool.Write(handle, 0, _buffer.AsSpan(0, size));
            _live.Add((handle, size, key));
        }

        private void Free(ZsPool pool)
        {
            if (_live.Count == 0)
                return;
            int chosen = _random.Next(_live.Count);
            ZsHandle handle = _live[chosen].Handle;
            pool.Free(handle);
            _live[chosen] = _live[^1];
            _live.RemoveAt(_live.Count - 1);
            if (_random.Next(50) == 0)
            {
                Assert.Throws<InvalidHandleException>(() => pool.Free(handle));
                _stale.Add(handle);
            }
            if (_stale.Count > 0 && _random.Next(200) == 0)
                Assert.Throws<InvalidHandleException>(() => pool.SizeOf(_stale[_random.Next(_stale.Count)]));
        }

        /// <summary>
        /// A full pool may have no memory for the buffer of its first straddling object; then nothing has changed, and some room helps.
        /// </summary>
        private void LookIfThereIsRoom(ZsPool pool, int dice)
        {
            try
            {
                Look(pool, dice);
            }
            catch (MemoryLimitException) when (pool.Budget.Available < pool.MaxObjectSize + pool.MemoryLimit / 64)
            {
                Free(pool);
                Free(pool);
            }
        }

        private void Look(ZsPool pool, int dice)
        {
            int chosen = _random.Next(_live.Count);
            (ZsHandle handle, int size, ulong key) = _live[chosen];
            if (dice < 70)
            {
                using ZsReadMap map = pool.MapRead(handle);
                Assert.Equal(size, map.Span.Length);
                Assert.True(Pages.Holds(map.Span, key));
            }
            else if (dice < 80)
            {
                using ZsMap map = pool.Map(handle, MapMode.Write);
                Assert.True(map.Span.IndexOfAnyExcept((byte)0) < 0, "a map for writing does not start as zeros");
                ulong next = ++_nextKey;
                Pages.Fill(map.Span, next);
                _live[chosen] = (handle, size, next);
            }
            else if (dice < 90)
            {
                using ZsReadView view = pool.ViewRead(handle);
                view.First.CopyTo(_buffer);
                view.Second.CopyTo(_buffer.AsSpan(view.First.Length));
                Assert.Equal(size, view.Length);
                Assert.True(Pages.Holds(_buffer.AsSpan(0, size), key));
            }
            else
            {
                int offset = _random.Next(size);
                int length = _random.Next(size - offset + 1);
                byte[] whole = new byte[size];
                Pages.Fill(whole, key);
                pool.Read(handle, offset, _buffer.AsSpan(0, length));
                Assert.True(whole.AsSpan(offset, length).SequenceEqual(_buffer.AsSpan(0, length)));
                pool.Write(handle, offset, whole.AsSpan(offset, length));
            }
        }

        private void CheckAll(ZsPool pool)
        {
            foreach ((ZsHandle handle, int size, ulong key) in _live)
            {
                Assert.Equal(size, pool.SizeOf(handle));
                pool.Read(handle, 0, _buffer.AsSpan(0, size));
                Assert.True(Pages.Holds(_buffer.AsSpan(0, size), key));
            }
        }

        private void CheckStatistics(ZsPool pool)
        {
            ZsPoolStatistics statistics = pool.GetStatistics();
            Assert.Equal(_live.Count, statistics.Objects);
            Assert.Equal(pool.Budget.Used, statistics.TotalBytes);
            Assert.All(statistics.Classes, c => Assert.Equal(c.Zspages, c.Fullness.Sum()));
            Assert.True(statistics.ObjectBytes <= statistics.PoolBytes);
        }
    }
}
