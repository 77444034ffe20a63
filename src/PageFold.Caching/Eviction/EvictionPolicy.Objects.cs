using System.Runtime.CompilerServices;

namespace PageFold.Caching.Eviction;

/// <content>The choice of the victim if the objective is objects.</content>
/// <remarks>
/// This is Greedy-Dual-Size-Frequency (Cherkasova, HP Labs 1998) on a random sample: an entry is worth its estimated uses per byte, on top
/// of the level that the worth of victims had when the entry was used last. The level only rises, so entries that are not used fall behind.
/// An entry keeps that time as a stamp of eight bits; the levels of the last 256 ticks are kept here. A hit writes no stamp: a sampled
/// entry with hits is stamped anew, its hits go to the sketch, and it is no candidate this time.
/// </remarks>
internal sealed partial class EvictionPolicy<TResidents>
{
    private const int SampledEntries = 64;
    private const int Ticks = 256;
    private const int TicksPerTurnover = 64;
    private const int OldestAge = 192;

    /// <summary>How much of the distance to a higher worth the level rises; the least of a sample is above the least of all.</summary>
    private const double LevelGain = 0.1;

    /// <summary>Makes a single use worth next to nothing per byte: most keys are never requested again.</summary>
    private const double WorthOfNoUse = -0.98;

    private readonly double[] _levels;
    private double _level;
    private ulong _random;
    private long _insertions;
    private byte _now;

    private double Worth(in Resident entry) =>
        _levels[entry.Stamp] + ((_sketch.Estimate(entry.Hash) + entry.Frequency + WorthOfNoUse) / Math.Max(1, entry.Bytes));

    /// <summary>Finds the entry that is worth the least in a random sample of the main part.</summary>
    [SkipLocalsInit]
    private bool TryFindWorst(out Resident victim)
    {
        Span<Resident> sample = stackalloc Resident[SampledEntries];
        int count = _residents.Sample(HashMixing.Mix(++_random), sample);
        // The entries are so few in their table that the sample has none.
        if (count == 0)
            return TrySweep(out victim);
        double least = double.MaxValue;
        victim = sample[0];
        foreach (ref readonly Resident entry in sample[..count])
        {
            if (entry.Frequency > 0)
            {
                for (int i = 0; i < entry.Frequency; i++)
                    CountKey(entry.Hash);
                _residents.Restamp(entry, _now);
                continue;
            }
            // A stamp must not become so old that the clock comes round to it.
            if ((byte)(_now - entry.Stamp) > OldestAge)
                _residents.Restamp(entry, (byte)(_now - OldestAge));
            double worth = Worth(entry);
            if (worth < least)
            {
                least = worth;
                victim = entry;
            }
        }
        if (least < double.MaxValue && least > _level)
            _levels[_now] = _level += (least - _level) * LevelGain;
        return true;
    }

    private void Tick()
    {
        if (++_insertions < Entries / TicksPerTurnover)
            return;
        _insertions = 0;
        _levels[++_now] = _level;
    }
}
