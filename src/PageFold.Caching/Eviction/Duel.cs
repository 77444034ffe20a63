namespace PageFold.Caching.Eviction;

/// <summary>Compares the settings on a sample of the keys and says which one the cache should use.</summary>
/// <remarks>
/// Each setting has a <see cref="Miniature"/> that sees every request for a sampled key. A round is <see cref="RoundRequests"/> such
/// requests; after it the hits of earlier rounds lose weight. The best setting replaces the current one when it leads by more than
/// <see cref="Lead"/> of the requests. As in set dueling (Qureshi et al., ISCA 2007), the workload chooses by what happens, not by a model
/// of it. Called under the eviction lock, except <see cref="IsSampled"/>.
/// </remarks>
internal sealed class Duel : IDisposable
{
    private const int RoundRequests = 128;
    private const double Decay = 0.93;
    private const double Lead = 0.005;

    private readonly Miniature[] _miniatures;
    private readonly EvictionSettings[] _settings;
    private readonly double[] _scores;
    private readonly uint _multiplier;
    private int _capacity;
    private int _requests;
    private int _winner;
    private double _weight;
    private ulong _threshold;

    private Duel(Miniature[] miniatures, EvictionSettings[] settings, ulong seed)
    {
        _settings = settings;
        _miniatures = miniatures;
        _scores = new double[miniatures.Length];
        _multiplier = (uint)HashMixing.Mix(seed) | 1;
    }

    /// <summary>Gets the setting that the cache should use.</summary>
    public EvictionSettings Winner => _settings[_winner];

    /// <summary>Gets how often the winner changed.</summary>
    public long Switches { get; private set; }

    /// <summary>Gets the bytes that the miniatures hold.</summary>
    public long HeldBytes => _miniatures.Sum(miniature => miniature.HeldBytes);

    /// <summary>Makes a duel of settings, of which the first leads; null when memory is refused.</summary>
    public static Duel? TryCreate(CacheMemory memory, FrequencySketch sketch, EvictionSettings[] settings, ulong seed)
    {
        List<Miniature> miniatures = [];
        foreach (EvictionSettings setting in settings)
        {
            Miniature? miniature = Miniature.TryCreate(memory, sketch, setting, HashMixing.Mix(seed + (ulong)miniatures.Count));
            if (miniature == null)
            {
                miniatures.ForEach(made => made.Dispose());
                return null;
            }
            miniatures.Add(miniature);
        }
        return new Duel([.. miniatures], settings, seed);
    }

    /// <summary>Tells whether requests for a key are to be recorded; callable at any time, without a lock.</summary>
    public bool IsSampled(uint hash) => hash * _multiplier < Volatile.Read(ref _threshold);

    /// <summary>Sets the number of entries that fit into the cache, which gives the share of keys that are sampled.</summary>
    public void SetCapacity(long entries)
    {
        _capacity = (int)Math.Clamp(entries, 1, Miniature.MostEntries);
        Volatile.Write(ref _threshold, (ulong)((double)_capacity / Math.Max(1, entries) * (1UL << 32)));
    }

    /// <summary>Records a request for a sampled key, hit or miss; true if the winner changed.</summary>
    public bool Record(uint hash)
    {
        for (int i = 0; i < _miniatures.Length; i++)
        {
            if (_miniatures[i].Request(hash, _capacity))
                _scores[i]++;
        }
        return ++_requests == RoundRequests && EndRound();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Miniature miniature in _miniatures)
            miniature.Dispose();
    }

    private bool EndRound()
    {
        _weight += _requests;
        _requests = 0;
        int best = _winner;
        for (int i = 0; i < _scores.Length; i++)
        {
            if (_scores[i] > _scores[best])
                best = i;
        }
        bool changes = _scores[best] > _scores[_winner] + (Lead * _weight);
        if (changes)
        {
            _winner = best;
            Switches++;
        }
        foreach (ref double score in _scores.AsSpan())
            score *= Decay;
        _weight *= Decay;
        return changes;
    }
}
