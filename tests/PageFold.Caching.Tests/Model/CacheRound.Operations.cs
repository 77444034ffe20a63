using System.Buffers;

namespace PageFold.Caching.Tests.Model;

/// <content>The operations on keys.</content>
internal sealed partial class CacheRound
{
    private void Get(int key)
    {
        bool isText = _random.Next(2) == 0;
        switch (_random.Next(8))
        {
            case 0:
                _writer.ResetWrittenCount();
                bool isHit = isText ? _cache.TryGet(KeyText[key], _writer) : _cache.TryGet(KeyBytes[key], _writer);
                See(key, isHit ? CacheGetOutcome.Hit : CacheGetOutcome.Miss, _writer.WrittenSpan, isHit ? _writer.WrittenCount : 0);
                break;
            case 1:
                GetIntoTooLittle(key);
                break;
            case < 4:
                CacheGetOutcome outcome = isText
                    ? _cache.TryGet(KeyText[key], _actual, out int length, out CacheMissToken token)
                    : _cache.TryGet(KeyBytes[key], _actual, out length, out token);
                See(key, outcome, _actual, length);
                Check(outcome == CacheGetOutcome.Miss == (token != default), $"{outcome} gives token {token}");
                if (outcome == CacheGetOutcome.Miss)
                    _tokens.Add((key, token, _changes[key], [.. _tagRemovals]));
                break;
            default:
                outcome = isText ? _cache.TryGet(KeyText[key], _actual, out length) : _cache.TryGet(KeyBytes[key], _actual, out length);
                See(key, outcome, _actual, length);
                break;
        }
    }

    private void GetIntoTooLittle(int key)
    {
        if (_model[key] is not { Length: > 0 } entry)
            return;
        CacheGetOutcome outcome = _cache.TryGet(KeyBytes[key], _actual.AsSpan(0, entry.Length - 1), out int length);
        if (outcome == CacheGetOutcome.Miss)
        {
            See(key, outcome, [], length);
            return;
        }
        Check(outcome == CacheGetOutcome.TooSmall && length == entry.Length, $"{outcome}, {length} instead of {entry.Length}");
        entry.Use(_clock.Elapsed);
    }

    private void GetMany()
    {
        int[] keys = [NextKey(), NextKey(), NextKey(), NextKey()];
        CacheValueRange[] ranges = new CacheValueRange[keys.Length + 1];
        int hits = _cache.GetMany([.. keys.Select(key => KeyText[key])], _actual, ranges);
        for (int i = 0; i < keys.Length; i++)
        {
            if (ranges[i].Outcome == CacheGetOutcome.TooSmall)
                Check(_model[keys[i]]!.Length == ranges[i].Length, "another length");
            else
                See(keys[i], ranges[i].Outcome, _actual.AsSpan(ranges[i].Offset, ranges[i].Length), ranges[i].Length);
            if (ranges[i].Outcome == CacheGetOutcome.TooSmall)
                _model[keys[i]]!.Use(_clock.Elapsed);
            hits -= ranges[i].Outcome == CacheGetOutcome.Hit ? 1 : 0;
        }
        Check(hits == 0, $"{hits} more hits than ranges tell");
    }

    /// <summary>Compares what a look-up found. What the cache removed because of it, the model was told already.</summary>
    private void See(int key, CacheGetOutcome outcome, ReadOnlySpan<byte> actual, int length)
    {
        ModelEntry? entry = _model[key];
        if (outcome == CacheGetOutcome.Miss)
        {
            _misses++;
            Check(length == 0, $"a miss has {length} bytes");
            Check(entry is null, $"key {key} is there, and a miss");
            return;
        }
        Check(outcome == CacheGetOutcome.Hit, $"{outcome} for key {key}");
        _hits++;
        if (entry is null)
        {
            Check(false, $"key {key} is gone, and a hit");
            return;
        }
        CheckAlive(key, entry);
        Check(length == entry.Length, $"key {key} has {length} bytes instead of {entry.Length}");
        Span<byte> expected = _expected.AsSpan(0, length);
        ModelValues.Fill(expected, entry.Seed);
        int same = expected.CommonPrefixLength(actual[..length]);
        Check(same == length, $"key {key}: byte {same} of {length} is wrong");
        entry.Use(_clock.Elapsed);
    }

    private void CheckAlive(int key, ModelEntry entry)
    {
        Check(_clock.Elapsed < entry.Deadline, $"key {key} is served at {_clock.Elapsed}, after {entry.Deadline}");
        Check(!HasLostTag(entry), $"key {key} is served after one of its tags was removed");
    }

    private void Touch(int key)
    {
        bool isThere = _random.Next(2) == 0 ? _cache.Touch(KeyText[key]) : _cache.Touch(KeyBytes[key]);
        Check(isThere == _model[key] is not null, $"key {key} is touched: {isThere}");
        if (!isThere)
            return;
        CheckAlive(key, _model[key]!);
        _model[key]!.Use(_clock.Elapsed);
    }

    private void Look(int key)
    {
        bool isThere = _random.Next(2) == 0 ? _cache.Contains(KeyText[key]) : _cache.Contains(KeyBytes[key]);
        Check(isThere == _model[key] is not null, $"key {key} is there: {isThere}");
        if (isThere)
            CheckAlive(key, _model[key]!);
    }

    private void Remove(int key)
    {
        (_target, _targetReason) = (key, CacheEvictionReason.Removed);
        bool wasThere = _model[key] is not null;
        bool isRemoved = _random.Next(2) == 0 ? _cache.Remove(KeyText[key]) : _cache.Remove(KeyBytes[key]);
        Check(isRemoved == wasThere && _model[key] is null, $"key {key} is removed: {isRemoved}");
        _changes[key]++;
    }

    private void RemoveByTag()
    {
        int tag = _random.Next(Tags);
        _cache.RemoveByTag(NameOf(tag));
        _tagRemovals[tag]++;
    }

    private void Set(int key) => Set(key, default, null, null);

    private void SetPinned(int key)
    {
        // Few of them: the cap is another test's.
        if (_pinned > 20 || KeyBytes[key].Length > 200)
            return;
        ModelEntry made = new() { IsPinned = true, Seed = ++_version, Length = _random.Next(100) };
        Span<byte> value = _expected.AsSpan(0, made.Length);
        ModelValues.Fill(value, made.Seed);
        (_target, _targetReason) = (key, CacheEvictionReason.Replaced);
        CacheSetOutcome outcome = _cache.SetPinned(KeyBytes[key], value);
        Check(outcome is CacheSetOutcome.Stored or CacheSetOutcome.StoredRaw, $"{outcome} for a pinned entry");
        Check(_model[key] is null, $"key {key} is not told to have been replaced");
        _changes[key]++;
        _sets++;
        _pinned++;
        _model[key] = made;
    }

    private void RedeemToken()
    {
        if (_tokens.Count == 0)
            return;
        int index = _random.Next(Math.Max(0, _tokens.Count - 50), _tokens.Count);
        (int key, CacheMissToken token, long changes, long[] removals) = _tokens[index];
        _tokens.RemoveAt(index);
        if (_tokens.Count > 500)
            _tokens.RemoveRange(0, 250);
        Set(key, token, changes, removals);
    }

    private void Set(int key, CacheMissToken token, long? changes, long[]? removals)
    {
        ModelEntry made = new() { Seed = ++_version, Length = ModelValues.NextLength(_random, _largest) };
        CacheEntryPolicy policy = NextPolicy(made);
        byte[] value = _expected;
        ModelValues.Fill(value.AsSpan(0, made.Length), made.Seed);
        (_target, _targetReason) = (key, CacheEvictionReason.Replaced);
        CacheSetOutcome outcome = _random.Next(5) switch
        {
            0 => _cache.Set(KeyText[key], value.AsSpan(0, made.Length), policy, token),
            1 => _cache.Set(KeyBytes[key], Cut(value, made.Length), policy, token),
            2 => _cache.Set(KeyText[key], Cut(value, made.Length), policy, token),
            _ => _cache.Set(KeyBytes[key], value.AsSpan(0, made.Length), policy, token),
        };
        bool isStored = outcome is CacheSetOutcome.Stored or CacheSetOutcome.StoredRaw;
        CheckOutcome(key, made, outcome);
        if (changes is { } before)
        {
            bool isOld = _changes[key] != before || Array.Exists(made.Tags, tag => _tagRemovals[tag.Tag] != removals![tag.Tag]);
            Check(!(isOld && isStored), $"key {key} is stored with a token that is out of date");
            if (!isOld && (isStored || outcome == CacheSetOutcome.Superseded))
                FreshTokens = (FreshTokens.Stored + (isStored ? 1 : 0), FreshTokens.Refused + (isStored ? 0 : 1));
        }
        if (!isStored)
            _refused++;
        if (!isStored && changes is not null)
            return;
        _changes[key]++;
        Check(_model[key] is null, $"key {key} has its old value after {outcome}");
        if (!isStored)
            return;
        _sets++;
        _model[key] = made;
    }

    private void CheckOutcome(int key, ModelEntry made, CacheSetOutcome outcome)
    {
        bool hasPassed = made.Deadline <= _clock.Elapsed;
        bool nearlyHas = made.Deadline <= _clock.Elapsed + made.Early;
        long bytes = KeyBytes[key].Length + (long)made.Length;
        bool isLegal = outcome switch
        {
            CacheSetOutcome.Stored => !hasPassed && _options.Compression != CacheCompression.None,
            CacheSetOutcome.StoredRaw => !hasPassed,
            CacheSetOutcome.AlreadyExpired => nearlyHas,
            CacheSetOutcome.TooLarge => made.Length > _options.MaxValueBytes
                || made.Length > Math.Max(1, _options.MaxContentBytes / 4 ?? long.MaxValue)
                || bytes + bytes / 100 + 4096 > _cache.MemoryLimit / 4,
            CacheSetOutcome.Superseded => true,
            _ => true,
        };
        Check(isLegal, $"{outcome} for {made.Length} bytes, deadline {made.Deadline} at {_clock.Elapsed}");
        if (outcome == CacheSetOutcome.NoMemory)
            NoMemory++;
    }

    private CacheEntryPolicy NextPolicy(ModelEntry made)
    {
        TimeSpan now = _clock.Elapsed;
        CacheEntryPolicy policy = default;
        if (_random.Next(4) == 0)
        {
            TimeSpan expiration = NextInterval();
            policy = policy with { Expiration = expiration };
            made.FixedDeadline = expiration > TimeSpan.MaxValue - now ? TimeSpan.MaxValue : now + expiration;
        }
        if (_random.Next(8) == 0)
        {
            TimeSpan until = _random.Next(10) == 0
                ? DateTimeOffset.MaxValue - _clock.GetUtcNow() : TimeSpan.FromSeconds(_random.Next(-2, 100));
            policy = policy with { ExpiresAt = _clock.GetUtcNow() + until };
            made.FixedDeadline = new TimeSpan(Math.Min(made.FixedDeadline.Ticks, (now + until).Ticks));
        }
        made.Deadline = made.FixedDeadline;
        if (_random.Next(6) == 0)
        {
            made.Sliding = NextInterval();
            policy = policy with { SlidingExpiration = made.Sliding };
            made.Use(now);
        }
        if (_random.Next(4) == 0)
        {
            int[] tags = [.. Enumerable.Range(0, _random.Next(1, 5)).Select(_ => _random.Next(Tags))];
            if (_random.Next(50) == 0)
                tags = [.. Enumerable.Range(0, 255).Select(i => i % Tags)];
            policy = policy with { Tags = [.. tags.Select(NameOf)] };
            made.Tags = [.. tags.Select(tag => (tag, _tagRemovals[tag]))];
        }
        return policy;
    }

    private TimeSpan NextInterval() => _random.Next(16) switch
    {
        0 => TimeSpan.Zero,
        1 => TimeSpan.FromTicks(-_random.NextInt64(1, long.MaxValue)),
        2 => TimeSpan.MaxValue - TimeSpan.FromTicks(_random.Next(3)),
        3 => TimeSpan.FromTicks(_random.Next(2_000_000)),
        4 => TimeSpan.FromDays(_random.Next(1, 5000)),
        < 9 => TimeSpan.FromSeconds(0.1 + _random.NextDouble()),
        _ => TimeSpan.FromSeconds(10 + 100 * _random.NextDouble()),
    };

    private static string NameOf(int tag) => tag % 3 == 0 ? $"tag {tag} with a name that is not so short" : $"t{tag}";

    private ReadOnlySequence<byte> Cut(byte[] value, int length)
    {
        if (length < 2)
            return new ReadOnlySequence<byte>(value, 0, length);
        int cut = _random.Next(1, length);
        Part first = new(value.AsMemory(0, cut), 0);
        Part second = first.Append(value.AsMemory(cut, length - cut));
        return new ReadOnlySequence<byte>(first, 0, second, second.Memory.Length);
    }

    private sealed class Part : ReadOnlySequenceSegment<byte>
    {
        public Part(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public Part Append(ReadOnlyMemory<byte> memory)
        {
            Part next = new(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
