using System.Buffers;
using System.Globalization;
using System.IO.Hashing;
using System.Text;

namespace PageFold.Caching.Tests.Model;

/// <summary>
/// Random operations on a small cache, each compared with a model: a dictionary that is told of every entry that goes, and why.
/// </summary>
/// <remarks>
/// A hit has the model's bytes. The cache tells of each entry that leaves it, with a reason that the model checks: so a miss is explained
/// by a reason, and the number of entries and their bytes agree at every moment. The seed decides the options too.
/// </remarks>
internal sealed partial class CacheRound : IDisposable
{
    private const int Keys = 2500;
    private const int Tags = 12;
    private const int LongestKey = 65_535;

    private static readonly byte[][] KeyBytes = [.. Enumerable.Range(0, Keys).Select(MakeKey)];
    private static readonly string[] KeyText = [.. KeyBytes.Select(Encoding.Latin1.GetString)];
    private static readonly Dictionary<ulong, int> Numbers = KeyBytes.Select((key, i) => (XxHash3.HashToUInt64(key), i)).ToDictionary();

    private readonly ManualClock _clock = new();
    private readonly CompressedCache _cache;
    private readonly CompressedCacheOptions _options;
    private readonly Random _random;
    private readonly int _seed;
    private readonly ModelEntry?[] _model = new ModelEntry?[Keys];
    private readonly long[] _changes = new long[Keys];
    private readonly long[] _tagRemovals = new long[Tags];
    private readonly List<(int Key, CacheMissToken Token, long Changes, long[] TagRemovals)> _tokens = [];
    private readonly long[] _gone = new long[6];
    private readonly byte[] _expected;
    private readonly byte[] _actual;
    private readonly ArrayBufferWriter<byte> _writer = new();
    private readonly int _largest;

    // The key that is being set or removed, and why its entry may go; -1 for all keys.
    private int _target = -2;
    private CacheEvictionReason _targetReason;
    private long _operation;
    private ulong _version;
    private long _sets;
    private long _refused;
    private long _hits;
    private long _misses;
    private int _pinned;
    private bool _hasShrunk;

    public CacheRound(int seed)
    {
        _seed = seed;
        _random = new Random(seed);
        long limit = (1L << 20) * _random.Next(8, 21) / 4;
        _largest = (int)(limit / 3);
        _options = new CompressedCacheOptions
        {
            MemoryLimit = limit,
            MaxMemoryLimit = 6 << 20,
            MaxEntries = _random.Next(4) == 0 ? _random.Next(1, 1200) : null,
            MaxContentBytes = _random.Next(4) == 0 ? _random.Next(1000, 4 << 20) : null,
            Objective = (CacheObjective)_random.Next(2),
            Compression = (CacheCompression)(seed % 3),
            MaxValueBytes = _random.Next(2) == 0 ? 64 << 20 : 100_000,
            TimeProvider = _clock,
            OnEviction = OnEviction,
            Seed = (ulong)seed,
        };
        _expected = new byte[_largest];
        _actual = new byte[_largest + 10];
        _cache = new CompressedCache(_options);
    }

    /// <summary>How many look-ups found a value, of how many.</summary>
    public (long Hits, long Total) Found => (_hits, _hits + _misses);

    /// <summary>Tokens of misses without a change since: stored, and refused.</summary>
    public (long Stored, long Refused) FreshTokens { get; private set; }

    public long NoMemory { get; private set; }

    public void Run(int operations)
    {
        try
        {
            for (int i = 0; i < operations; i++, _operation++)
                Step();
            CheckFigures();
            _target = -1;
            _targetReason = CacheEvictionReason.Removed;
            _cache.Clear();
            CheckFigures();
            Check(_cache.Count == 0 && _cache.GetStatistics() is { OriginalBytes: 0, StoredBytes: 0 }, "the cleared cache is not empty");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new InvalidOperationException(
                string.Create(CultureInfo.InvariantCulture, $"Seed {_seed}, operation {_operation}: {e.Message} ({_options})"), e);
        }
    }

    public void Dispose() => _cache.Dispose();

    private void Step()
    {
        _target = -2;
        int key = NextKey();
        switch (_random.Next(1000))
        {
            case < 420:
                Get(key);
                break;
            case < 770:
                Set(key);
                break;
            case < 820:
                Remove(key);
                break;
            case < 850:
                Touch(key);
                break;
            case < 880:
                Look(key);
                break;
            case < 900:
                GetMany();
                break;
            case < 940:
                RedeemToken();
                break;
            case < 950:
                RemoveByTag();
                break;
            case < 985:
                PassTime();
                break;
            case < 990:
                Check(_cache.RemoveExpired() >= 0, "a negative number expired");
                break;
            case < 994:
                SetPinned(key);
                break;
            default:
                DoRarely();
                break;
        }
        // What compression took under a higher limit, a lower one does not take back.
        if (_cache.UsedBytes > _cache.MemoryLimit)
            Check(_hasShrunk && _cache.Count == _pinned, $"{_cache.UsedBytes} bytes are used of {_cache.MemoryLimit}");
        if (_operation % 512 == 0)
            CheckFigures();
    }

    private void DoRarely()
    {
        switch (_random.Next(60))
        {
            case < 10:
                _cache.Compact();
                break;
            case < 20:
                _hasShrunk = true;
                _cache.MemoryLimit = _random.NextInt64(2 << 20, 6 << 20);
                break;
            case < 25:
                _cache.Trim(_random.NextInt64(_cache.MemoryLimit));
                break;
            case < 50:
                ListKeys();
                break;
            case < 52:
                _cache.Trim(0);
                break;
            case 52:
                (_target, _targetReason) = (-1, CacheEvictionReason.Removed);
                _cache.Clear();
                Array.ForEach(_model, entry => Check(entry is null, "an entry outlived Clear"));
                for (int i = 0; i < Keys; i++)
                    _changes[i]++;
                break;
        }
    }

    private void PassTime()
    {
        TimeSpan by = TimeSpan.FromSeconds(_random.Next(20) switch
        {
            0 => 3600 * _random.NextDouble(),
            < 4 => 60 * _random.NextDouble(),
            _ => 0.2 * _random.NextDouble(),
        });
        if (_random.Next(3) == 0)
            _clock.AdvanceSilently(by);
        else
            _clock.Advance(by);
        if (_random.Next(20) == 0)
            _clock.JumpTo(_clock.GetUtcNow() + TimeSpan.FromDays(_random.Next(-1000, 1000)));
    }

    private void ListKeys()
    {
        bool[] listed = new bool[Keys];
        foreach (byte[] key in _cache.Keys)
        {
            int number = NumberOf(key);
            Check(_model[number] is not null, $"key {number} is listed, but gone");
            listed[number] = true;
        }
        for (int i = 0; i < Keys; i++)
            Check(listed[i] || _model[i] is null, $"key {i} is not listed");
    }

    private void CheckFigures()
    {
        CompressedCacheStatistics figures = _cache.GetStatistics();
        long entries = 0;
        long bytes = 0;
        long content = 0;
        for (int i = 0; i < Keys; i++)
        {
            if (_model[i] is not { } entry)
                continue;
            entries++;
            bytes += KeyBytes[i].Length + entry.Length;
            content += entry.IsPinned ? 0 : entry.Length;
        }
        Check(figures.Entries == entries && _cache.Count == entries, $"{figures.Entries} entries instead of {entries}");
        Check(figures.OriginalBytes == bytes, $"{figures.OriginalBytes} original bytes instead of {bytes}");
        Check(figures.StoredBytes >= 0 && figures.StoredBytes + figures.MetadataBytes + figures.CodingBytes <= figures.UsedBytes,
            $"{figures}");
        Check(figures.Hits == _hits && figures.Misses == _misses, $"{figures.Hits} hits instead of {_hits}, {figures.Misses} misses");
        Check(figures.Sets == _sets && figures.Refused == _refused, $"{figures.Sets} sets instead of {_sets}, {figures.Refused} refused");
        Check(entries - _pinned <= (_options.MaxEntries ?? long.MaxValue), $"{entries} entries are more than {_options.MaxEntries}");
        Check(content <= (_options.MaxContentBytes ?? long.MaxValue), $"{content} bytes are more than {_options.MaxContentBytes}");
        for (int reason = 0; reason < _gone.Length; reason++)
        {
            long told = figures.Evictions[(CacheEvictionReason)reason];
            Check(told == _gone[reason], $"{told} entries went as {(CacheEvictionReason)reason}; {_gone[reason]} were told");
        }
    }

    private void OnEviction(ReadOnlySpan<byte> key, CacheEvictionReason reason)
    {
        int number = NumberOf(key);
        _gone[(int)reason]++;
        if (_model[number] is not { } entry)
        {
            Check(false, $"key {number} goes ({reason}), but is not there");
            return;
        }
        bool isExplained = reason switch
        {
            CacheEvictionReason.Capacity => !entry.IsPinned,
            CacheEvictionReason.Expired => _clock.Elapsed + entry.Early >= entry.Deadline || HasLostTag(entry),
            CacheEvictionReason.Tag => HasLostTag(entry),
            CacheEvictionReason.Corrupt => false,
            _ => (_target == number || _target == -1) && (reason == _targetReason || reason == CacheEvictionReason.Removed),
        };
        Check(isExplained, $"key {number} goes for no reason as {reason} at {_clock.Elapsed}, deadline {entry.Deadline}");
        if (entry.IsPinned)
            _pinned--;
        _model[number] = null;
    }

    private bool HasLostTag(ModelEntry entry) => Array.Exists(entry.Tags, tag => _tagRemovals[tag.Tag] != tag.Removals);

    // Skewed, so that some keys stay in a cache that is too small for all.
    private int NextKey() => _random.Next(2) == 0 ? _random.Next(Keys) : _random.Next(Keys / 20);

    private static int NumberOf(ReadOnlySpan<byte> key) => Numbers[XxHash3.HashToUInt64(key)];

    private static byte[] MakeKey(int number)
    {
        string text = $"key {number}: ";
        int length = number switch
        {
            0 => 0,
            1 => 1,
            2 => LongestKey,
            3 => 1024,
            4 => 1025,
            5 => 4100,
            _ => number % 7 == 0 ? text.Length + number % 200 : text.Length,
        };
        return Encoding.Latin1.GetBytes(text.PadRight(length, 'k')[..length]);
    }

    private static void Check(bool holds, string what)
    {
        if (!holds)
            throw new InvalidOperationException(what);
    }
}
