"""An independent judge of what a deployment's features say: it knows the deployment's folder and the images, no more.

The attribution (agilenn.attribution) is the method's own; the network that it is taken from is trained afresh here.
"""
