using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;

namespace PageFold.Caching.Tests.Model;

/// <summary>
/// Threads work on a few keys of a small cache, while others evict, move, clear and resize. Each key has a history, to which all add.
/// </summary>
/// <remarks>
/// Every set has a version of its own, which tells the value's length and each of its bytes, so that a mixture of two values is no version.
/// Keys of the first half have a tag, which removes them together.
/// </remarks>
internal sealed class ThreadsRound(int seed, int milliseconds)
{
    private const int Keys = 10;
    private const int Setters = 3;
    private const int Getters = 3;
    private const int Largest = 150_000;

    private static readonly CacheEntryPolicy Tagged = new() { Tags = ["tag"] };

    private readonly List<RegisterOperation>[] _histories = [.. Enumerable.Range(0, Keys).Select(_ => new List<RegisterOperation>())];
    private readonly string[] _keys = [.. Enumerable.Range(0, Keys).Select(i => i == 3 ? new string('k', 1500) : $"key {i}")];
    private readonly bool _manyLarge = seed % 2 == 0;
    private readonly long _start = Stopwatch.GetTimestamp();
    private bool _stop;

    public long Operations => _histories.Sum(history => (long)history.Count);

    public long Conflicts { get; private set; }

    public long Hits { get; private set; }

    public void Run()
    {
        using (CompressedCache cache = new(new CompressedCacheOptions
        {
            MemoryLimit = 4 << 20,
            MaxMemoryLimit = 8 << 20,
            Compression = (CacheCompression)(seed % 3),
            MaxEntries = seed % 4 == 3 ? 200 : null,
            Objective = (CacheObjective)(seed / 3 % 2),
        }))
        {
            List<Action> parts = [];
            for (int i = 0; i < Setters; i++)
                parts.Add(Setter(cache, i));
            for (int i = 0; i < Getters; i++)
                parts.Add(Getter(cache, Setters + i));
            parts.Add(Presser(cache));
            parts.Add(Mover(cache));
            using Timer end = new(_ => Volatile.Write(ref _stop, true), null, milliseconds, Timeout.Infinite);
            Task.WaitAll([.. parts.Select(part => Content.OnItsOwnThread(() => Repeat(part)))]);
            Assert.InRange(cache.UsedBytes, 1, 8 << 20);
            cache.Clear();
            CompressedCacheStatistics figures = cache.GetStatistics();
            Assert.Equal((0, 0, 0), (figures.Entries, figures.OriginalBytes, figures.StoredBytes));
            Assert.Equal(0, figures.Evictions[CacheEvictionReason.Corrupt]);
        }
        for (int key = 0; key < Keys; key++)
        {
            RegisterCheck check = RegisterCheck.Run(_histories[key], canLose: true);
            Conflicts += check.Conflicts;
            Hits += _histories[key].Count(operation => operation.IsRead && operation.Version != RegisterOperation.Absent);
            Assert.True(check.Problem is null, $"Seed {seed}, key {key}: {check.Problem}");
        }
    }

    private void Repeat(Action part)
    {
        try
        {
            while (!Volatile.Read(ref _stop))
                part();
        }
        finally
        {
            Volatile.Write(ref _stop, true);
        }
    }

    private Action Setter(CompressedCache cache, int thread)
    {
        Random random = new(seed * 31 + thread);
        byte[] value = new byte[Largest];
        long version = thread;
        return () =>
        {
            int key = Choose(random);
            long begun = Now();
            switch (random.Next(20))
            {
                case 0:
                    cache.Remove(_keys[key]);
                    Note(key, new RegisterOperation(false, RegisterOperation.Absent, begun, Now(), thread));
                    return;
                case 1 when random.Next(5) == 0:
                    cache.RemoveByTag("tag");
                    NoteAll(0, Keys / 2, begun, thread);
                    return;
                case 2 when random.Next(5) == 0:
                    cache.Clear();
                    NoteAll(0, Keys, begun, thread);
                    return;
                case 3:
                    cache.Touch(_keys[key]);
                    return;
            }
            version += Setters;
            int length = Fill(value, key, version);
            CacheMissToken token = default;
            if (random.Next(4) == 0)
            {
                begun = Now();
                CacheGetOutcome found = cache.TryGet(_keys[key], [], out _, out token);
                if (found == CacheGetOutcome.Miss)
                    Note(key, new RegisterOperation(true, RegisterOperation.Absent, begun, Now(), thread));
            }
            begun = Now();
            CacheSetOutcome outcome = cache.Set(_keys[key], value.AsSpan(0, length), key < Keys / 2 ? Tagged : default, token);
            long ended = Now();
            if (outcome.IsStored())
                Note(key, new RegisterOperation(false, version, begun, ended, thread));
            else if (token == default)
                Note(key, new RegisterOperation(false, RegisterOperation.Absent, begun, ended, thread));
        };
    }

    private Action Getter(CompressedCache cache, int thread)
    {
        Random random = new(seed * 37 + thread);
        byte[] found = new byte[Largest];
        byte[] expected = new byte[Largest];
        ArrayBufferWriter<byte> writer = new(Largest);
        return () =>
        {
            int key = Choose(random);
            bool writes = random.Next(4) == 0;
            writer.ResetWrittenCount();
            int length = 0;
            long begun = Now();
            bool isHit = writes ? cache.TryGet(_keys[key], writer) : cache.TryGet(_keys[key], found, out length) == CacheGetOutcome.Hit;
            long ended = Now();
            long version = !isHit ? RegisterOperation.Absent
                : VersionOf(writes ? writer.WrittenSpan : found.AsSpan(0, length), key, expected);
            Note(key, new RegisterOperation(true, version, begun, ended, thread));
        };
    }

    private Action Presser(CompressedCache cache)
    {
        Random random = new(seed * 41);
        byte[] value = new byte[20_000];
        return () =>
        {
            for (int i = 0; i < 20; i++)
                cache.Set($"other {random.Next(3000)}", value.AsSpan(0, random.Next(value.Length)));
            cache.SetPinned("pinned"u8, value.AsSpan(0, random.Next(100)));
        };
    }

    private Action Mover(CompressedCache cache)
    {
        Random random = new(seed * 43);
        return () =>
        {
            switch (random.Next(6))
            {
                case < 3:
                    cache.Compact();
                    break;
                case 3:
                    cache.MemoryLimit = random.NextInt64(3 << 20, 8 << 20);
                    break;
                case 4:
                    cache.Trim(random.NextInt64(2 << 20, 8 << 20));
                    break;
                default:
                    Assert.All(cache.Keys.Select(System.Text.Encoding.UTF8.GetString), key => Assert.True(
                        Array.IndexOf(_keys, key) >= 0 || key == "pinned" || key.StartsWith("other ", StringComparison.Ordinal),
                        $"Seed {seed}: key '{key}' was never set."));
                    break;
            }
            Thread.Sleep(1);
        };
    }

    private void Note(int key, RegisterOperation operation)
    {
        lock (_histories[key])
            _histories[key].Add(operation);
    }

    private void NoteAll(int from, int to, long begun, int thread)
    {
        long ended = Now();
        for (int key = from; key < to; key++)
            Note(key, new RegisterOperation(false, RegisterOperation.Absent, begun, ended, thread));
    }

    private long Now() => Stopwatch.GetTimestamp() - _start;

    private static int Choose(Random random) => random.Next(2) == 0 ? random.Next(3) : random.Next(Keys);

    private int LengthOf(int key, long version)
    {
        int random = (int)(((ulong)(version * Keys + key) * 0x9E3779B97F4A7C15) >> 40);
        return 16 + (_manyLarge ? random % Largest : random % 8 == 0 ? random % (Largest / 2) : random % 3000) * 9 / 10;
    }

    private int Fill(byte[] value, int key, long version)
    {
        int length = LengthOf(key, version);
        ModelValues.Fill(value.AsSpan(0, length), (ulong)(version * Keys + key));
        BinaryPrimitives.WriteInt64LittleEndian(value, version);
        return length;
    }

    private long VersionOf(ReadOnlySpan<byte> found, int key, byte[] expected)
    {
        if (found.Length < sizeof(long))
            return RegisterOperation.Torn;
        long version = BinaryPrimitives.ReadInt64LittleEndian(found);
        return version > 0 && found.SequenceEqual(expected.AsSpan(0, Fill(expected, key, version))) ? version : RegisterOperation.Torn;
    }
}
