namespace PageFold.CacheBench.Values;

/// <summary>Numbers of which the one of rank r, from 1, comes with a probability that is proportional to 1 / r^exponent.</summary>
/// <remarks>
/// Needs no table: rejection-inversion after W. Hoermann and G. Derflinger, "Rejection-inversion to generate variates from monotone
/// discrete distributions", ACM TOMACS 6 (1996). Immutable and thread-safe; the source of randomness is the caller's.
/// </remarks>
internal sealed class Zipf
{
    // Closer to 1 than this the integral's closed form loses its digits.
    private const double LogarithmicRange = 1e-6;

    private readonly int _count;
    private readonly double _exponent;
    private readonly double _first;
    private readonly double _last;
    private readonly double _acceptAtOnce;

    /// <param name="count">The number of ranks.</param>
    /// <param name="exponent">The exponent, zero for a uniform distribution.</param>
    public Zipf(int count, double exponent)
    {
        _count = count;
        _exponent = exponent;
        // The first rank has the probability of its bar and not of the area below the curve, which is infinite at zero.
        _first = Area(1.5) - 1;
        _last = Area(count + 0.5);
        _acceptAtOnce = 2 - Place(Area(2.5) - Height(2));
    }

    /// <summary>Draws a rank, counted from zero.</summary>
    public int Next(Random random)
    {
        while (true)
        {
            double area = _last + random.NextDouble() * (_first - _last);
            double place = Place(area);
            int rank = (int)Math.Clamp(place + 0.5, 1, _count);
            if (rank - place <= _acceptAtOnce || area >= Area(rank + 0.5) - Height(rank))
                return rank - 1;
        }
    }

    private double Height(double x) => Math.Pow(x, -_exponent);

    /// <summary>The area below the curve from 1 to x.</summary>
    private double Area(double x)
    {
        double power = 1 - _exponent;
        return Math.Abs(power) < LogarithmicRange ? Math.Log(x) : (Math.Pow(x, power) - 1) / power;
    }

    /// <summary>The inverse of <see cref="Area"/>.</summary>
    private double Place(double area)
    {
        double power = 1 - _exponent;
        return Math.Abs(power) < LogarithmicRange ? Math.Exp(area) : Math.Pow(Math.Max(0, 1 + power * area), 1 / power);
    }
}
