using System.Numerics;

namespace PageFold.Caching.Expiry;

/// <summary>
/// The interval of sliding expiry in two bytes: eleven bits, shifted by the number in the other five, in ticks of the clock.
/// </summary>
/// <remarks>Exact below 2,048 ticks (two minutes); above it, shorter by less than a thousandth.</remarks>
internal static class SlidingInterval
{
    /// <summary>No sliding expiry, or an interval that the clock does not reach.</summary>
    public const ushort None = 0;

    private const int MantissaBits = 11;
    private const uint MantissaMask = (1u << MantissaBits) - 1;

    /// <summary>Encodes an interval, rounded down to what can be told, and at least a tick.</summary>
    public static ushort Encode(TimeSpan interval)
    {
        long ticks = Math.Max(interval.Ticks / CacheClock.TimeSpanTicks, 1);
        if (ticks >= CacheClock.Never)
            return None;
        int shift = Math.Max(BitOperations.Log2((uint)ticks) - (MantissaBits - 1), 0);
        return (ushort)((uint)shift << MantissaBits | (uint)ticks >> shift);
    }

    /// <summary>Decodes an interval into ticks; <see cref="CacheClock.Never"/> for <see cref="None"/>.</summary>
    public static uint Decode(ushort code) =>
        code == None ? CacheClock.Never : (code & MantissaMask) << (code >> MantissaBits);

    /// <summary>The deadline of an entry with such an interval that is used now.</summary>
    public static uint Deadline(ushort code, uint now)
    {
        uint interval = Decode(code);
        return interval >= CacheClock.Never - now ? CacheClock.Never : now + interval;
    }
}
