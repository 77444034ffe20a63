using System.Numerics;

namespace PageFold.Compression.Fold.Training;

/// <summary>A box that training may choose: a combination of two ranges of lengths and a kind of distance.</summary>
internal readonly struct BoxCandidate
{
    private readonly BoxSide _literals;
    private readonly BoxSide _matches;
    private readonly BoxDistance _distance;
    private readonly int _bits;

    /// <summary>Makes one of all candidates.</summary>
    /// <param name="number">Which one: from zero to less than <see cref="Count"/>.</param>
    public BoxCandidate(int number)
    {
        Number = number;
        _matches = BoxSide.Matches[number % BoxSide.Matches.Length];
        number /= BoxSide.Matches.Length;
        _literals = BoxSide.Literals[number % BoxSide.Literals.Length];
        _distance = BoxDistance.All[number / BoxSide.Literals.Length];
        _bits = _literals.Bits + _matches.Bits + _distance.Bits;
    }

    /// <summary>The number of all candidates, more than a hundred thousand.</summary>
    public static int Count { get; } = BoxDistance.All.Length * BoxSide.Literals.Length * BoxSide.Matches.Length;

    /// <summary>Which candidate it is.</summary>
    public int Number { get; }

    /// <summary>Returns the number of the candidate that contains everything of a kind of distance.</summary>
    /// <param name="distance">The kind's place in <see cref="BoxDistance.All"/>.</param>
    public static int Widest(int distance) => (distance + 1) * BoxSide.Literals.Length * BoxSide.Matches.Length - 1;

    /// <summary>Returns the box.</summary>
    public Box ToBox() => new(
        (ushort)_literals.Base, (byte)_literals.Bits, (ushort)(_matches.Base + Box.MinMatch), (byte)_matches.Bits,
        (ushort)_distance.Base, (byte)_distance.Bits, (byte)_distance.Shift, _distance.IsRepeat);

    /// <summary>Returns how many bits all sequences would have less with this box.</summary>
    /// <param name="costs">The fewest extra bits of a sequence of each kind so far.</param>
    /// <param name="weights">The number of sequences of each kind.</param>
    public long Gain(ReadOnlySpan<long> costs, ReadOnlySpan<long> weights)
    {
        long gain = 0;
        Vector<long> bits = new(_bits);
        Vector<long> gains = Vector<long>.Zero;
        foreach (int cell in _distance.Cells)
        {
            for (int row = _literals.From; row < _literals.To; row++)
            {
                int place = Cells.Place(cell, row, _matches.From);
                ReadOnlySpan<long> old = costs.Slice(place, _matches.To - _matches.From);
                ReadOnlySpan<long> weight = weights.Slice(place, old.Length);
                // The difference, or zero if it is negative.
                for (; old.Length >= Vector<long>.Count; old = old[Vector<long>.Count..], weight = weight[Vector<long>.Count..])
                    gains += Vector.Max(new Vector<long>(old) - bits, Vector<long>.Zero) * new Vector<long>(weight);
                for (int i = 0; i < old.Length; i++)
                {
                    // Without a branch.
                    long less = old[i] - _bits;
                    gain += (less & ~(less >> 63)) * weight[i];
                }
            }
        }
        return gain + Vector.Sum(gains);
    }

    /// <summary>Lowers the costs of the sequences that this box says with fewer bits.</summary>
    public void Take(Span<long> costs)
    {
        foreach (int cell in _distance.Cells)
        {
            for (int row = _literals.From; row < _literals.To; row++)
            {
                for (int i = Cells.Place(cell, row, _matches.From); i < Cells.Place(cell, row, _matches.To); i++)
                    costs[i] = Math.Min(costs[i], _bits);
            }
        }
    }

    /// <summary>As the other one, and keeps the second least costs, and which box has the least ones.</summary>
    public void Take(Span<long> least, Span<long> second, Span<int> owners, int number)
    {
        foreach (int cell in _distance.Cells)
        {
            for (int row = _literals.From; row < _literals.To; row++)
            {
                for (int i = Cells.Place(cell, row, _matches.From); i < Cells.Place(cell, row, _matches.To); i++)
                {
                    if (_bits < least[i])
                        (second[i], least[i], owners[i]) = (least[i], _bits, number);
                    else
                        second[i] = Math.Min(second[i], _bits);
                }
            }
        }
    }
}
